"""Adam on dense weights, or on a row of a table.

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


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", inline="always")
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
    table: Moments, rows: Integers | ShortIntegers, gradients: Floats, keep: float, pace: Pace
) -> None:
    """Move rows `[n]`, each named once, against their gradients `[n, d]`; see `move`."""
    kept = np.full(gradients.shape[1], keep, np.float32)
    for entry in range(len(rows)):
        row = rows[entry]
        move(table.weight[row], table.mean[row], table.square[row], gradients[entry], kept, pace)
