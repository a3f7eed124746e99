"""Adam on dense weights, and on those rows of a table that a batch touched.

Kingma and Ba, 'Adam', ICLR 2015, algorithm 1. Twins: PyTorch's `AdamW`, and `RowOptimizer` of
`matinee.engine.optim`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers, ShortIntegers

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Moments(NamedTuple):
    """A weight, and the running means of its gradient and of the gradient's square."""

    weight: Floats
    mean: Floats
    square: Floats


class Pace(NamedTuple):
    """Factors of one step's update; see `pace`."""

    scale: np.float32
    epsilon: np.float32


@njit(nogil=True, cache=True, error_model="numpy")
def pace(rate: float, step: int) -> Pace:
    """The learning rate and epsilon, corrected for means that began at 0; `step` is from 1."""
    correction = math.sqrt(1 - BETA2**step)
    scale = rate * correction / (1 - BETA1**step)
    return Pace(np.float32(scale), np.float32(EPSILON * correction))


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def move(
    weight: Floats, mean: Floats, square: Floats, gradient: Floats, keep: Floats, pace: Pace
) -> None:
    """Shrink a vector to `keep` of itself and move it against its gradient; all are `[d]`."""
    one, two = np.float32(1 - BETA1), np.float32(1 - BETA2)
    for k in range(len(weight)):
        g = gradient[k]
        m = mean[k] + one * (g - mean[k])
        v = square[k] + two * (g * g - square[k])
        mean[k], square[k] = m, v
        weight[k] = keep[k] * weight[k] - pace.scale * m / (math.sqrt(v) + pace.epsilon)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def move_rows(
    table: Moments,
    rows: Integers,
    gradients: Floats,
    first: ShortIntegers,
    share: tuple[int, int],
    keep: Floats,
    pace: Pace,
) -> None:
    """Move each row of a table once, against the sum of its gradients.

    Args:
        table: `[n_rows, d]` each.
        rows: `[n]`, the row each gradient is of.
        gradients: `[n, d]`; those of a row are summed into its first.
        first: `[n_rows]`, all -1, and so again afterwards.
        share: Only blocks of 16 rows whose number leaves the remainder `share[0]` when divided
            by `share[1]`, so that several threads divide a table among them.
        keep: `[d]`, what rows are shrunk to before they move.
        pace: Of the step.
    """
    touched, count = np.empty(len(rows), np.int64), 0
    for entry in range(len(rows)):
        row = rows[entry]
        if (row >> 4) % share[1] != share[0]:
            continue
        place = first[row]
        if place < 0:
            first[row] = entry
            touched[count] = entry
            count += 1
        else:
            total, more = gradients[place], gradients[entry]
            for k in range(len(total)):
                total[k] += more[k]
    for entry in touched[:count]:
        row = rows[entry]
        first[row] = -1
        move(table.weight[row], table.mean[row], table.square[row], gradients[entry], keep, pace)
