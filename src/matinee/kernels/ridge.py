"""Ridge regression of short histories on the vectors of films; its twin is in `BiasedMF`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers


@njit(cache=True, fastmath=True, nogil=True)
def solve(
    films: Floats,
    offsets: Integers,
    items: Integers,
    ratings: Floats,
    mean: float,
    ridge: Floats,
    usual: float,
) -> Floats:
    """What people like, from what they rated.

    Args:
        films: `[n_items, d]`, the last column the films' biases.
        offsets: `[B + 1]`; person b has the entries `offsets[b]:offsets[b + 1]`.
        items: The films of the entries.
        ratings: Their stars.
        mean: The stars that anything gets to begin with.
        ridge: `[d]` penalty on the square of each number, for each rating.
        usual: How many ratings the penalty is for at the least.

    Returns:
        `[B, d]`, the last column the people's biases.
    """
    d = films.shape[1]
    rows = np.zeros((len(offsets) - 1, d), np.float32)
    normal, film = np.empty((d, d), np.float32), np.empty(d, np.float32)
    for b in range(len(rows)):
        row = rows[b]
        normal[:] = 0.0
        for e in range(offsets[b], offsets[b + 1]):
            film[:] = films[items[e]]
            error = np.float32(ratings[e] - mean - film[d - 1])
            film[d - 1] = 1.0
            for i in range(d):
                row[i] += error * film[i]
                for j in range(i + 1):
                    normal[i, j] += film[i] * film[j]
        given = max(usual, offsets[b + 1] - offsets[b])
        for i in range(d):
            normal[i, i] += np.float32(ridge[i] * given)
        _factorise(normal)
        _substitute(normal, row)
    return rows


@njit(cache=True, fastmath=True, nogil=True)
def _factorise(matrix: Floats) -> None:
    """Cholesky's L with L L' = matrix, in place of the lower half, row by row."""
    for i in range(len(matrix)):
        for j in range(i + 1):
            left = matrix[i, j]
            for k in range(j):
                left -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = np.sqrt(left) if i == j else left / matrix[j, j]


@njit(cache=True, fastmath=True, nogil=True)
def _substitute(lower: Floats, right: Floats) -> None:
    """Solve L L' x = right, in place of the right side."""
    d = len(right)
    for i in range(d):
        left = right[i]
        for k in range(i):
            left -= lower[i, k] * right[k]
        right[i] = left / lower[i, i]
    for i in range(d - 1, -1, -1):
        right[i] /= lower[i, i]
        for k in range(i):
            right[k] -= lower[i, k] * right[i]
