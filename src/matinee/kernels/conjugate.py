"""Conjugate gradient towards many small ridge solutions at once; twin: `IALS._descend`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit

from matinee.kernels.arrays import AnyIntegers, Floats

PARTS = 8
"""Portions of the rows for each thread, so that one which is held up holds up little."""


def descend(
    offsets: AnyIntegers,
    indices: AnyIntegers,
    fixed: Floats,
    gram: Floats,
    penalty: Floats,
    moving: Floats,
    steps: int,
    threads: int,
) -> None:
    """Take some steps from each row of `moving` towards x of (Σ hhᵀ + G + λI) x = Σ h.

    Args:
        offsets: `[n + 1]`; the h of row r are `fixed[indices[offsets[r]:offsets[r + 1]]]`.
        indices: `[nnz]`.
        fixed: `[m, d]`.
        gram: G, `[d, d]`.
        penalty: λ of each row, `[n]`.
        moving: `[n, d]`, changed in place.
        steps: Of conjugate gradient; a row that has arrived stays.
        threads: How many share the rows; what comes out does not depend on it.
    """

    def part(rows: tuple[int, int]) -> None:
        _descend(rows, offsets, indices, fixed, gram, penalty, moving, steps)

    # G costs a row what d / 2 entries cost.
    done = offsets + fixed.shape[1] // 2 * np.arange(len(offsets))
    bounds = np.searchsorted(done, np.linspace(0, done[-1], threads * PARTS + 1)).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, pairwise(bounds)))


@njit(nogil=True, cache=True, fastmath=True)
def _descend(
    rows: tuple[int, int],
    offsets: AnyIntegers,
    indices: AnyIntegers,
    fixed: Floats,
    gram: Floats,
    penalty: Floats,
    moving: Floats,
    steps: int,
) -> None:
    dim = fixed.shape[1]
    residual, direction, image = np.empty((3, dim), np.float32)
    for row in range(rows[0], rows[1]):
        entries, x = indices[offsets[row] : offsets[row + 1]], moving[row]
        _image(entries, fixed, gram, penalty[row], x, np.float32(1), image)
        square = np.float32(0)
        for k in range(dim):
            residual[k] = direction[k] = -image[k]
            square += image[k] * image[k]
        for _ in range(steps):
            _image(entries, fixed, gram, penalty[row], direction, np.float32(0), image)
            curvature = np.float32(0)
            for k in range(dim):
                curvature += direction[k] * image[k]
            if not (square > 0 and curvature > 0):
                break
            far, before, square = square / curvature, square, np.float32(0)
            for k in range(dim):
                x[k] += far * direction[k]
                residual[k] -= far * image[k]
                square += residual[k] * residual[k]
            turn = square / before
            for k in range(dim):
                direction[k] = residual[k] + turn * direction[k]


@njit(nogil=True, cache=True, fastmath=True, inline="always")
def _image(
    entries: AnyIntegers,
    fixed: Floats,
    gram: Floats,
    penalty: np.float32,
    x: Floats,
    target: np.float32,
    out: Floats,
) -> None:
    """Write Gx + λx + Σ h (h·x - target) into `out`, four h at a time."""
    dim = len(x)
    for k in range(dim):
        out[k] = penalty * x[k]
    for j in range(dim):
        weight = x[j]
        for k in range(dim):
            out[k] += weight * gram[j, k]
    whole = len(entries) // 4 * 4
    for at in range(0, whole, 4):
        a, b = fixed[entries[at]], fixed[entries[at + 1]]
        c, d = fixed[entries[at + 2]], fixed[entries[at + 3]]
        on_a = on_b = on_c = on_d = -target
        for k in range(dim):
            on_a += a[k] * x[k]
            on_b += b[k] * x[k]
            on_c += c[k] * x[k]
            on_d += d[k] * x[k]
        for k in range(dim):
            out[k] += on_a * a[k] + on_b * b[k] + on_c * c[k] + on_d * d[k]
    for at in range(whole, len(entries)):
        a, on_a = fixed[entries[at]], -target
        for k in range(dim):
            on_a += a[k] * x[k]
        for k in range(dim):
            out[k] += on_a * a[k]
