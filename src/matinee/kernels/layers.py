"""There and back through a tower's layers, for the steps of `kernels.ncf`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def climb(
    flat: Floats, widths: Integers, left: Floats, right: Floats, hidden: Floats, spare: Floats
) -> Floats:
    """Activations of all layers, one after the other in `hidden`; the rest of `spare`.

    The first layer takes the two sides apart, a person's once for all their films.
    """
    n, half, wide = len(right), widths[0], widths[1]
    each, at, room = n // len(left), wide * half, n * wide
    out = hidden[:room].reshape(n, wide)
    np.dot(right, _matrix(flat, at, wide, half).T, out)
    first, spare = cut(spare, len(left), wide)
    np.dot(left, _matrix(flat, 0, wide, half).T, first)
    bias = flat[2 * at : 2 * at + wide]
    for entry in range(n):
        row, person = out[entry], first[entry // each]
        for k in range(wide):
            row[k] = max(row[k] + person[k] + bias[k], np.float32(0))
    at = 2 * at + wide
    for layer in range(2, len(widths)):
        before, wide = out, widths[layer]
        out = hidden[room : room + n * wide].reshape(n, wide)
        np.dot(before, _matrix(flat, at, wide, widths[layer - 1]).T, out)
        at += wide * widths[layer - 1]
        bias = flat[at : at + wide]
        for entry in range(n):
            row = out[entry]
            for k in range(wide):
                row[k] = max(row[k] + bias[k], np.float32(0))
        at, room = at + wide, room + n * wide
    return spare


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def descend(
    flat: Floats,
    slope: Floats,
    widths: Integers,
    left: Floats,
    right: Floats,
    hidden: Floats,
    back: Floats,
    spare: Floats,
) -> tuple[Floats, Floats]:
    """Gradients of all layers, and of the two sides of the tower's input.

    `back` `[n, last]` is the gradient of the top before its ReLU.
    """
    n, at, room = len(right), len(flat), len(hidden)
    for layer in range(len(widths) - 1, 1, -1):
        wide, narrow = widths[layer - 1], widths[layer]
        room -= n * narrow
        before = hidden[room - n * wide : room].reshape(n, wide)
        at -= (wide + 1) * narrow
        np.dot(back.T, before, _matrix(slope, at, narrow, wide))
        _add_rows(back, slope[at + wide * narrow : at + (wide + 1) * narrow])
        above = back
        back, spare = cut(spare, n, wide)
        np.dot(above, _matrix(flat, at, narrow, wide), back)
        for entry in range(n):
            row, high = back[entry], before[entry]
            for k in range(wide):
                row[k] = row[k] if high[k] > 0 else np.float32(0)
    half, wide = widths[0], widths[1]
    size, each = wide * half, n // len(left)
    people, spare = cut(spare, len(left), wide)
    people[:] = 0
    for person in range(len(left)):
        _add_rows(back[person * each : (person + 1) * each], people[person])
    np.dot(people.T, left, _matrix(slope, 0, wide, half))
    np.dot(back.T, right, _matrix(slope, size, wide, half))
    _add_rows(people, slope[2 * size : 2 * size + wide])
    to_left, spare = cut(spare, len(left), half)
    to_right, spare = cut(spare, n, half)
    np.dot(people, _matrix(flat, 0, wide, half), to_left)
    np.dot(back, _matrix(flat, size, wide, half), to_right)
    return to_left, to_right


@njit(nogil=True, cache=True)
def cut(spare: Floats, rows: int, columns: int) -> tuple[Floats, Floats]:
    """A matrix cut from the front of spare memory, and the rest of it."""
    size = rows * columns
    return spare[:size].reshape(rows, columns), spare[size:]


@njit(nogil=True, cache=True)
def _matrix(flat: Floats, at: int, rows: int, columns: int) -> Floats:
    return flat[at : at + rows * columns].reshape(rows, columns)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _add_rows(matrix: Floats, total: Floats) -> None:
    """Add all rows of a matrix to a vector."""
    for entry in range(len(matrix)):
        row = matrix[entry]
        for k in range(len(total)):
            total[k] += row[k]
