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
) -> None:
    """Move a block of rows against their gradients, and note that of the first layer.

    Args:
        net: The loss.
        table: Changed in place.
        matrix: The side's part of the first layer.
        side: Its `slopes` and `losses` of this block are filled: gradients of the matrix, and of
            the bias if there is room for them, and the penalty on the rows' lengths.
        block: Which rows.
        weight: Of the squared length of a row, for each entry.
        keep: What rows are shrunk to before they move.
        pace: Of the step.
        spare: Memory.
    """
    here = slice(block * BLOCK, min((block + 1) * BLOCK, len(side.groups.rows)))
    rows, bounds = side.groups.rows[here], side.groups.bounds[here.start : here.stop + 1]
    counts = side.groups.counts[here]
    (wide, half), n, width = matrix.shape, filled(len(rows)), table.weight.shape[1]
    back, spare = cut(spare, wide, n)
    low, spare = cut(spare, half, n)
    down, spare = cut(spare, half, n)
    gradients, spare = cut(spare, len(rows), width)
    _total(side, bounds, gradients, back, spare[: wide + net.dim])
    _columns(table.weight, rows, net.dim, low)
    found = side.slopes[block]
    slope(back, low, found[: wide * half].reshape(wide, half))
    sums(back, found[wide * half :])
    descend(matrix, back, down)
    for entry in range(len(rows)):
        gradient = gradients[entry]
        for k in range(net.dim, width):
            gradient[k] = down[k - net.dim, entry]
    side.losses[block] = _shrink(table.weight, rows, counts, weight, gradients) if weight else 0.0
    _move(table, rows, gradients, keep, pace, spare)


@njit(nogil=True, cache=True)
def _move(
    table: Moments, rows: ShortIntegers, gradients: Floats, keep: float, pace: Pace, spare: Floats
) -> None:
    """Move rows together: what is left over of each, a vector register being too long, adds up."""
    (n, width), kept = gradients.shape, np.full(gradients.size, keep, np.float32)
    weight, spare = cut(spare, n, width)
    mean, spare = cut(spare, n, width)
    square, spare = cut(spare, n, width)
    for entry in range(n):
        row = rows[entry]
        for k in range(width):
            weight[entry, k] = table.weight[row, k]
            mean[entry, k] = table.mean[row, k]
            square[entry, k] = table.square[row, k]
    move(weight.ravel(), mean.ravel(), square.ravel(), gradients.ravel(), kept, pace)
    for entry in range(n):
        row = rows[entry]
        for k in range(width):
            table.weight[row, k] = weight[entry, k]
            table.mean[row, k] = mean[entry, k]
            table.square[row, k] = square[entry, k]


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
def _total(
    side: Side, bounds: ShortIntegers, gradients: Floats, back: Floats, total: Floats
) -> None:
    """Sums of rows' gradients over lanes: the product's in their place, the tower's as columns."""
    wide, order = len(back), side.groups.order
    back[:, len(gradients) :] = 0
    for entry in range(len(gradients)):
        total[:] = 0
        for place in range(bounds[entry], bounds[entry + 1]):
            more = side.backs[order[place]]
            for k in range(len(total)):
                total[k] += more[k]
        for k in range(wide):
            back[k, entry] = total[k]
        for k in range(wide, len(total)):
            gradients[entry, k - wide] = total[k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _shrink(
    table: Floats, rows: ShortIntegers, counts: ShortIntegers, weight: float, gradients: Floats
) -> float:
    """Add the gradient of the penalty on rows' lengths, and tell this."""
    loss = 0.0
    for entry in range(len(rows)):
        vector, gradient, total = table[rows[entry]], gradients[entry], np.float32(0)
        once = np.float32(weight * counts[entry])
        for k in range(len(vector)):
            total += vector[k] * vector[k]
            gradient[k] += 2 * once * vector[k]
        loss += once * total
    return loss
