"""Rows of the tables in a step: each goes through the first layer once, and moves once.

The first layer is a sum of what it makes of the person and of the film, so that it is had once for
each distinct row, and not for each example. Back through it go, likewise, the sums of a row's
gradients.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.adam import Moments, move_rows
from matinee.kernels.arrays import Floats, ShortIntegers
from matinee.kernels.layers import climb, cut, descend, slope, turn
from matinee.kernels.ncfnet import BLOCK, Net, Rule, Side, filled
from matinee.kernels.prefetch import prefetch


@njit(nogil=True, cache=True)
def lift(
    net: Net, table: Moments, matrix: Floats, times: float, side: Side, block: int, spare: Floats
) -> None:
    """Fill `steep` and `own` of a block of rows; `times` is what of the vector is in the latter.

    The rows' means, which `settle` will move, are on their way to the cache from here on.
    """
    here = slice(block * BLOCK, min((block + 1) * BLOCK, len(side.groups.rows)))
    rows, (wide, half), dim = side.groups.rows[here], matrix.shape, net.dim
    n = filled(len(rows))
    prefetch(table.weight, rows)
    steep, spare = cut(spare, dim + wide, n)
    own, spare = cut(spare, dim + wide, n)
    low, spare = cut(spare, half, n)
    near, _ = cut(spare, len(rows), table.weight.shape[1])
    _copy(table.weight, rows, near)
    prefetch(table.mean, rows)
    prefetch(table.square, rows)
    _columns(near, dim, low)
    turn(near, steep[:dim])
    steep[dim:] = 1
    own[:dim] = np.float32(times) * steep[:dim]
    climb(matrix, low, own[dim:])
    turn(steep, side.steep[here])
    turn(own, side.own[here])


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def settle(
    net: Net,
    table: Moments,
    matrix: Floats,
    side: Side,
    block: int,
    rule: Rule,
    spare: Floats,
) -> None:
    """Move a block of rows against their gradients, and note that of the first layer.

    Args:
        net: The loss.
        table: Changed in place.
        matrix: The side's part of the first layer.
        side: Its `slopes` and `losses` of this block are filled.
        block: Which rows.
        rule: Of the step.
        spare: Memory.
    """
    here = slice(block * BLOCK, min((block + 1) * BLOCK, len(side.groups.rows)))
    rows, bounds = side.groups.rows[here], side.groups.bounds[here.start : here.stop + 1]
    counts = side.groups.counts[here]
    (wide, half), n, (_, width) = matrix.shape, filled(len(rows)), table.weight.shape
    back, spare = cut(spare, wide, n)
    low, spare = cut(spare, half, n)
    down, spare = cut(spare, net.dim + half, n)
    gradients, spare = cut(spare, len(rows), width)
    near, spare = cut(spare, len(rows), width)
    totals, _ = cut(spare, len(rows), wide + net.dim)
    _total(side, bounds, totals)
    _copy(table.weight, rows, near)
    turn(totals[:, net.dim :], back)
    back[:, len(rows) :] = 0
    _columns(near, net.dim, low)
    slope(back, low, side.slopes[block].reshape(wide, half))
    turn(totals, down[: net.dim])
    descend(matrix, back, down[net.dim :])
    turn(down[:width], gradients)
    side.losses[block] = _shrink(near, counts, rule.weight, gradients) if rule.weight else 0.0
    move_rows(table, rows, gradients, rule.keep, rule.pace)


@njit(nogil=True, cache=True)
def _copy(table: Floats, rows: ShortIntegers, near: Floats) -> None:
    """Rows of a table, one after the other."""
    for entry in range(len(rows)):
        row, copy = table[rows[entry]], near[entry]
        for k in range(len(copy)):
            copy[k] = row[k]


@njit(nogil=True, cache=True)
def _columns(near: Floats, dim: int, low: Floats) -> None:
    """The tower's part of rows, each a column; what is left of `low` is 0."""
    half = near.shape[1] - dim
    turn(near[:, dim:], low[:half])
    low[half:] = 0
    low[:, len(near) :] = 0


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _total(side: Side, bounds: ShortIntegers, totals: Floats) -> None:
    """Sums of rows' gradients over lanes."""
    order = side.groups.order
    for entry in range(len(totals)):
        total = totals[entry]
        total[:] = 0
        for place in range(bounds[entry], bounds[entry + 1]):
            more = side.backs[order[place]]
            for k in range(len(total)):
                total[k] += more[k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _shrink(near: Floats, counts: ShortIntegers, weight: float, gradients: Floats) -> float:
    """Add the gradient of the penalty on rows' lengths, and tell this."""
    loss = 0.0
    for entry in range(len(near)):
        vector, gradient, total = near[entry], gradients[entry], np.float32(0)
        once = np.float32(weight * counts[entry])
        for k in range(len(vector)):
            total += vector[k] * vector[k]
            gradient[k] += 2 * once * vector[k]
        loss += once * total
    return float(loss)
