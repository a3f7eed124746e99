"""Linear layers of many examples that lie side by side, for the steps of `kernels.ncf`.

What comes out of a layer is `[units, n]`: an example is a column, so that each loop over examples
fills vector registers, however narrow layers are. Widths are multiples of `UNITS`, filled up with
units whose weights are 0. Loops are written out so that what is loaded once is used often.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats

UNITS = 4
"""Units that are read at once."""


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def climb(matrix: Floats, low: Floats, high: Floats) -> None:
    """What a layer makes of inputs `[wide, n]` but for its bias: `[narrow, n]`."""
    n = low.shape[1]
    for j in range(0, len(high), 2):
        one, two = high[j], high[j + 1]
        one[:] = 0
        two[:] = 0
        for k in range(0, len(low), UNITS):
            a, b, c, d = low[k], low[k + 1], low[k + 2], low[k + 3]
            p, q, r, s = matrix[j, k], matrix[j, k + 1], matrix[j, k + 2], matrix[j, k + 3]
            row = matrix[j + 1]
            t, u, v, w = row[k], row[k + 1], row[k + 2], row[k + 3]
            for x in range(n):
                one[x] += p * a[x] + q * b[x] + r * c[x] + s * d[x]
                two[x] += t * a[x] + u * b[x] + v * c[x] + w * d[x]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def descend(matrix: Floats, above: Floats, back: Floats) -> None:
    """Gradient `[wide, n]` of a layer's inputs from that of its outputs, `[narrow, n]`."""
    n = back.shape[1]
    for k in range(0, len(back), 2):
        one, two = back[k], back[k + 1]
        one[:] = 0
        two[:] = 0
        for j in range(0, len(above), UNITS):
            a, b, c, d = above[j], above[j + 1], above[j + 2], above[j + 3]
            p, q, r, s = matrix[j, k], matrix[j + 1, k], matrix[j + 2, k], matrix[j + 3, k]
            e = k + 1
            t, u, v, w = matrix[j, e], matrix[j + 1, e], matrix[j + 2, e], matrix[j + 3, e]
            for x in range(n):
                one[x] += p * a[x] + q * b[x] + r * c[x] + s * d[x]
                two[x] += t * a[x] + u * b[x] + v * c[x] + w * d[x]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def slope(back: Floats, low: Floats, matrix: Floats) -> None:
    """Gradient `[narrow, wide]` of a layer's weights."""
    n, zero = low.shape[1], np.float32(0)
    for j in range(0, len(back), 2):
        one, two = back[j], back[j + 1]
        for k in range(0, len(low), UNITS):
            a, b, c, d = low[k], low[k + 1], low[k + 2], low[k + 3]
            p = q = r = s = t = u = v = w = zero
            for x in range(n):
                p += one[x] * a[x]
                q += one[x] * b[x]
                r += one[x] * c[x]
                s += one[x] * d[x]
                t += two[x] * a[x]
                u += two[x] * b[x]
                v += two[x] * c[x]
                w += two[x] * d[x]
            here, there = matrix[j], matrix[j + 1]
            here[k], here[k + 1], here[k + 2], here[k + 3] = p, q, r, s
            there[k], there[k + 1], there[k + 2], there[k + 3] = t, u, v, w


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def sums(back: Floats, total: Floats) -> None:
    """The sum over all examples of each unit that there is room for: the gradient of a bias."""
    for j in range(len(total)):
        row, one = back[j], np.float32(0)
        for x in range(len(row)):
            one += row[x]
        total[j] = one


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def rectify(bias: Floats, high: Floats) -> None:
    """Add the bias; then ReLU."""
    for j in range(len(high)):
        row, more = high[j], bias[j]
        for x in range(len(row)):
            row[x] = max(row[x] + more, np.float32(0))


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def mask(high: Floats, back: Floats) -> None:
    """Gradient before a ReLU of that after it, which gave `high`."""
    for j in range(len(back)):
        row, given = back[j], high[j]
        for x in range(len(row)):
            row[x] = row[x] if given[x] > 0 else np.float32(0)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def turn(source: Floats, target: Floats) -> None:
    """Make rows of columns, as many as there are: `[n, m]` to the first columns of `[m, n..]`.

    What is written lies together; the other way about takes twice as long.
    """
    n = len(source)
    for k in range(len(target)):
        row = target[k]
        for x in range(n):
            row[x] = source[x, k]


@njit(nogil=True, cache=True)
def cut(spare: Floats, rows: int, columns: int) -> tuple[Floats, Floats]:
    """A matrix cut from the front of spare memory, and the rest of it."""
    size = rows * columns
    return spare[:size].reshape(rows, columns), spare[size:]
