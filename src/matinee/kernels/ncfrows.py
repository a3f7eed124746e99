"""Rows of the tables in a step: each goes through the first layer once, and moves once.

The first layer is a sum of what it makes of the person and of the film, so that it is had once for
each distinct row, and not for each example. Back through it go, likewise, the sums of a row's
gradients.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.adam import Moments, Pace, move
from matinee.kernels.arrays import Floats, ShortIntegers
from matinee.kernels.layers import climb, cut, descend, slope, sums
from matinee.kernels.ncfnet import BLOCK, Net, Side, filled, first_layer


@njit(nogil=True, cache=True)
def lift(net: Net, table: Floats, matrix: Floats, bias: Floats, side: Side, block: int,
         spare: Floats) -> None:
    """Fill the `halves` of a block of rows."""
    here = slice(block * BLOCK, min((block + 1) * BLOCK, len(side.groups.rows)))
    rows, halves = side.groups.rows[here], side.halves[here]
    wide, n = len(matrix), filled(len(rows))
    low, spare = cut(spare, matrix.shape[1], n)
    high, spare = cut(spare, wide, n)
    _columns(table, rows, net.dim, low)
    climb(matrix, low, high)
    for entry in range(len(rows)):
        half, row = halves[entry], table[rows[entry]]
        for k in range(wide):
            half[k] = high[k, entry] + bias[k]
        for k in range(net.dim):
            half[wide + k] = row[k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def settle(
    net: Net,
    table: Moments,
    matrix: Floats,
    side: Side,
    block: int,
    weight: float,
    keep: float,
    pace: Pace,
    spare: Floats,
) -> float:
    """Move a block of rows against their gradients, and note that of the first layer.

    Args:
        net: The loss.
        table: Changed in place.
        matrix: The side's part of the first layer.
        side: Its `slopes` of this block are filled: those of the matrix, and of the bias if there
            is room for it.
        block: Which rows.
        weight: Of the squared length of a row, for each entry.
        keep: What rows are shrunk to before they move.
        pace: Of the step.
        spare: Memory.

    Returns:
        The penalty on the rows' lengths.
    """
    here = slice(block * BLOCK, min((block + 1) * BLOCK, len(side.groups.rows)))
    rows, bounds = side.groups.rows[here], side.groups.bounds[here.start : here.stop + 1]
    (wide, half), n = matrix.shape, filled(len(rows))
    totals, spare = cut(spare, len(rows), wide + net.dim)
    back, spare = cut(spare, wide, n)
    low, spare = cut(spare, half, n)
    down, spare = cut(spare, half, n)
    _total(side.backs, bounds, totals, back)
    _columns(table.weight, rows, net.dim, low)
    found = side.slopes[block]
    slope(back, low, found[: wide * half].reshape(wide, half))
    sums(back, found[wide * half :])
    descend(matrix, back, down)
    loss = np.float32(0)
    kept = np.full(table.weight.shape[1], keep, np.float32)
    for entry in range(len(rows)):
        row = rows[entry]
        vector, gradient = table.weight[row], spare[: len(kept)]
        for k in range(net.dim):
            gradient[k] = totals[entry, wide + k]
        for k in range(net.dim, len(gradient)):
            gradient[k] = down[k - net.dim, entry]
        if weight:
            count = bounds[entry + 1] - bounds[entry]
            loss += _shrink(vector, np.float32(weight * count), gradient)
        move(vector, table.mean[row], table.square[row], gradient, kept, pace)
    return loss


@njit(nogil=True, cache=True)
def _columns(table: Floats, rows: ShortIntegers, dim: int, low: Floats) -> None:
    """The tower's part of some rows, each a column; what is left of `low` is 0."""
    half = table.shape[1] - dim
    low[half:] = 0
    low[:, len(rows) :] = 0
    for entry in range(len(rows)):
        row = table[rows[entry]]
        for k in range(half):
            low[k, entry] = row[dim + k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _total(backs: Floats, bounds: ShortIntegers, totals: Floats, back: Floats) -> None:
    """Sums of each row's gradients, `[m, wide + dim]`, and of the tower's part as columns."""
    back[:, len(totals) :] = 0
    for entry in range(len(totals)):
        total = totals[entry]
        total[:] = 0
        for place in range(bounds[entry], bounds[entry + 1]):
            more = backs[place]
            for k in range(len(total)):
                total[k] += more[k]
        for k in range(len(back)):
            back[k, entry] = total[k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _shrink(vector: Floats, weight: np.float32, gradient: Floats) -> np.float32:
    """Add the gradient of `weight` times the squared length of a row, and tell this."""
    total, twice = np.float32(0), 2 * weight
    for k in range(len(vector)):
        total += vector[k] * vector[k]
        gradient[k] += twice * vector[k]
    return weight * total
