"""Ridge regressions of short histories; twins: `BiasedMF._solve` and `IALS._solution`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers

FOUR = 4
"""Vectors whose products are added at once, so that a sum is read and written once for all."""


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
        base: G, `[d, d]`, symmetric.
        penalty: λ of each person, `[B, d]`.
        intercept: Whether the last number of each h is 1 in the place of the film's.

    Returns:
        `[B, d]`.
    """
    rows = np.zeros(penalty.shape, np.float32)
    normal = np.empty(base.shape, np.float32)
    for b in range(len(rows)):
        entries, row = slice(offsets[b], offsets[b + 1]), rows[b]
        known = _gathered(films, items[entries], intercept)
        _add_weighted(targets[entries], known, row)
        normal[:] = base
        for i in range(len(row)):
            normal[i, i] += penalty[b, i]
        for e in range(0, len(known), FOUR):
            _add_products(known[e : e + FOUR], known[e : e + FOUR], 0, normal)
        _factorise(normal)
        _substitute(normal, row)
    return rows


@njit(cache=True, nogil=True)
def _gathered(films: Floats, items: Integers, intercept: bool) -> Floats:
    """Vectors of films in a multiple of `FOUR` rows, of which the last may be 0."""
    rows = np.zeros((-(-len(items) // FOUR) * FOUR, films.shape[1]), np.float32)
    for e in range(len(items)):
        rows[e] = films[items[e]]
    if intercept:
        rows[: len(items), -1] = 1.0
    return rows


@njit(cache=True, fastmath=True, nogil=True)
def _add_weighted(weights: Floats, rows: Floats, total: Floats) -> None:
    """Add Σ wₑ rₑ of the first rows, as many as there are weights, to the total."""
    for e in range(len(weights)):
        weight, row = weights[e], rows[e]
        for j in range(len(total)):
            total[j] += weight * row[j]


@njit(cache=True, fastmath=True, nogil=True)
def _add_products(left: Floats, right: Floats, first: int, matrix: Floats) -> None:
    """Add Σ leftₑ rightₑᵀ of `FOUR` rows of each to a matrix, from a row of it on."""
    a, b, c, d = left[0], left[1], left[2], left[3]
    p, q, r, s = right[0], right[1], right[2], right[3]
    for i in range(first, len(matrix)):
        row, one, two, three, four = matrix[i], a[i], b[i], c[i], d[i]
        for j in range(len(row)):
            row[j] += one * p[j] + two * q[j] + three * r[j] + four * s[j]


@njit(cache=True, fastmath=True, nogil=True)
def _factorise(matrix: Floats) -> None:
    """Cholesky's U with U'U = matrix, in place of the upper half, `FOUR` rows at a time.

    Rows are gone through whole, as that takes less time than to begin at the diagonal: what
    is left of it then means nothing.
    """
    for start in range(0, len(matrix), FOUR):
        stop = min(start + FOUR, len(matrix))
        for i in range(start, stop):
            row, scale = matrix[i], 1 / np.sqrt(matrix[i, i])
            for j in range(len(row)):
                row[j] *= scale
            for below in range(i + 1, stop):
                other, share = matrix[below], row[below]
                for j in range(len(row)):
                    other[j] -= share * row[j]
        if stop < len(matrix):
            _add_products(-matrix[start:stop], matrix[start:stop], stop, matrix)


@njit(cache=True, fastmath=True, nogil=True)
def _substitute(upper: Floats, right: Floats) -> None:
    """Solve U'U x = right, in place of the right side."""
    for i in range(len(right)):
        row = upper[i]
        value = right[i] / row[i]
        right[i] = value
        for j in range(i + 1, len(right)):
            right[j] -= value * row[j]
    for i in range(len(right) - 1, -1, -1):
        row, left = upper[i], right[i]
        for j in range(i + 1, len(right)):
            left -= row[j] * right[j]
        right[i] = left / row[i]
