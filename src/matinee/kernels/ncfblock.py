"""Loss and gradients of a block of examples, from what the first layer makes of either side."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, ShortIntegers
from matinee.kernels.layers import climb, cut, descend, mask, rectify, slope, sums
from matinee.kernels.ncfnet import Net, Room, filled, per_block

LARGE = 1e300
"""Above it, twice a number may be too large for a float64."""


@njit(nogil=True, cache=True)
def weigh(net: Net, upper: Floats, room: Room, block: int, share: float, thread: int) -> None:
    """Loss of a block's examples and its gradients.

    Args:
        net: The loss.
        upper: Flat weights of what is above the first layer.
        room: Its `slopes` and `losses` of the block are filled, gradients added to `backs`.
        block: Which people of the step.
        share: What each example weighs in the mean.
        thread: Whose scratch to use.
    """
    slots, films = room.people.groups.slots, room.films.groups.slots
    each = len(films) // len(slots)
    first = block * per_block(each)
    last = min(first + per_block(each), len(slots))
    n = filled((last - first) * each)
    height = net.widths[1:].sum() + net.dim
    units, spare = cut(room.scratch[thread], height, n)
    backs, spare = cut(spare, height, n)
    _join(room, first, last, units, net.dim)
    _climb_all(net, upper, units)
    top = (net.widths[-1] if len(net.widths) else 0) + net.dim
    head, inputs, logits = upper[len(upper) - top - 1 :], units[height - top :], spare[:n]
    _logits(head, inputs, logits)
    room.losses[block] = _loss(logits[: (last - first) * each], each, np.float32(share))
    logits[(last - first) * each :] = 0
    found = room.slopes[block]
    _outputs(head, inputs, logits, backs[height - top :], found[len(upper) - top - 1 :])
    _descend_all(net, upper, units, backs, found)
    _part(room, first, last, backs, net.dim)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _join(room: Room, first: int, last: int, units: Floats, dim: int) -> None:
    """Outputs of the first layer, and products of the two vectors, which are the last units."""
    people, films = room.people, room.films
    each, column = len(films.groups.slots) // len(people.groups.slots), 0
    wide, products = people.halves.shape[1] - dim, units[len(units) - dim :]
    for entry in range(first, last):
        person = people.halves[people.groups.slots[entry]]
        for place in range(entry * each, (entry + 1) * each):
            film = films.halves[films.groups.slots[place]]
            for k in range(wide):
                units[k, column] = max(person[k] + film[k], np.float32(0))
            for k in range(dim):
                products[k, column] = person[wide + k] * film[wide + k]
            column += 1
    units[:wide, column:] = 0
    products[:, column:] = 0


@njit(nogil=True, cache=True)
def _climb_all(net: Net, upper: Floats, units: Floats) -> None:
    """Outputs of the layers above the first, below its own."""
    at = row = 0
    for layer in range(2, len(net.widths)):
        wide, narrow = net.widths[layer - 1], net.widths[layer]
        high = units[row + wide : row + wide + narrow]
        matrix, at = upper[at : at + wide * narrow].reshape(narrow, wide), at + wide * narrow
        climb(matrix, units[row : row + wide], high)
        rectify(upper[at : at + narrow], high)
        at, row = at + narrow, row + wide


@njit(nogil=True, cache=True)
def _descend_all(net: Net, upper: Floats, units: Floats, backs: Floats, found: Floats) -> None:
    """Gradients of these layers' weights and outputs, from those of the top's outputs."""
    at, row = len(upper) - 1 - net.dim, len(units) - net.dim
    if len(net.widths):
        at, row = at - net.widths[-1], row - net.widths[-1]
        mask(units[row : row + net.widths[-1]], backs[row : row + net.widths[-1]])
    for layer in range(len(net.widths) - 1, 1, -1):
        wide, narrow = net.widths[layer - 1], net.widths[layer]
        back, low, below = backs[row : row + narrow], units[row - wide : row], backs[row - wide : row]
        sums(back, found[at - narrow : at])
        at, row = at - narrow * (wide + 1), row - wide
        slope(back, low, found[at : at + narrow * wide].reshape(narrow, wide))
        descend(upper[at : at + narrow * wide].reshape(narrow, wide), back, below)
        mask(low, below)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _logits(head: Floats, inputs: Floats, logits: Floats) -> None:
    """Scores `[n]` from the weights and the bias of the output."""
    logits[:] = head[-1]
    for k in range(len(inputs)):
        row, weight = inputs[k], head[k]
        for x in range(len(logits)):
            logits[x] += weight * row[x]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _loss(logits: Floats, each: int, share: np.float32) -> float:
    """Cross-entropy, its share of the mean; `logits` become its gradient."""
    total, product, one = 0.0, 1.0, np.float32(1)
    for entry in range(len(logits)):
        sign = -one if entry % each == 0 else one  # the first of each person's was rated
        z = sign * logits[entry]
        small = np.exp(-abs(z))
        total += max(z, np.float32(0))
        product *= one + small  # one logarithm for hundreds of examples
        if product > LARGE:
            total, product = total + math.log(product), 1.0
        chance = (one if z > 0 else small) / (one + small)
        logits[entry] = sign * share * chance
    return float((total + math.log(product)) * share)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _outputs(head: Floats, inputs: Floats, given: Floats, backs: Floats, found: Floats) -> None:
    """Gradients of the output's inputs, and of its weights and bias."""
    for k in range(len(inputs)):
        row, back, weight, total = inputs[k], backs[k], head[k], np.float32(0)
        for x in range(len(given)):
            total += given[x] * row[x]
            back[x] = weight * given[x]
        found[k] = total
    found[-1] = given.sum()


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _part(room: Room, first: int, last: int, backs: Floats, dim: int) -> None:
    """Add gradients of the halves of both sides to their sums."""
    people, films = room.people, room.films
    each, column = len(films.groups.slots) // len(people.groups.slots), 0
    wide, products = people.halves.shape[1] - dim, backs[len(backs) - dim :]
    for entry in range(first, last):
        person = people.halves[people.groups.slots[entry]]
        total = people.backs[people.groups.sums[entry]]
        for place in range(entry * each, (entry + 1) * each):
            film = films.halves[films.groups.slots[place]]
            row = films.backs[films.groups.sums[place]]
            for k in range(wide):
                back = backs[k, column]
                row[k] += back
                total[k] += back
            for k in range(dim):
                back = products[k, column]
                row[wide + k] += back * person[wide + k]
                total[wide + k] += back * film[wide + k]
            column += 1
