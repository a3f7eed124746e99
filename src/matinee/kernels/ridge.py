"""Ridge regressions of short histories; twins: `BiasedMF._solve` and `IALS._solution`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers


@njit(cache=True, fastmath=True, nogil=True)
def solve(
    films: Floats,
    items: Integers,
    targets: Floats,
    offsets: Integers,
    base: Floats,
    penalty: Floats,
    intercept: bool,
) -> Floats:
    """The x of (Σ hhᵀ + G + diag(λ)) x = Σ t h, for each of B people.

    Args:
        films: `[n_items, d]`.
        items: `[n]`, the films whose vectors are the h.
        targets: The t, `[n]`.
        offsets: `[B + 1]`; person b has the entries `offsets[b]:offsets[b + 1]`.
        base: G, `[d, d]`, of which the lower half is read.
        penalty: λ of each person, `[B, d]`.
        intercept: Whether the last number of each h is 1 in the place of the film's.

    Returns:
        `[B, d]`.
    """
    d = films.shape[1]
    rows, normal = np.zeros((len(penalty), d), np.float32), np.empty((d, d), np.float32)
    h = np.empty(d, np.float32)
    for b in range(len(rows)):
        row = rows[b]
        normal[:] = base
        for e in range(offsets[b], offsets[b + 1]):
            h[:] = films[items[e]]
            if intercept:
                h[-1] = 1.0
            target = targets[e]
            for i in range(d):
                row[i] += target * h[i]
                for j in range(i + 1):
                    normal[i, j] += h[i] * h[j]
        for i in range(d):
            normal[i, i] += penalty[b, i]
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
