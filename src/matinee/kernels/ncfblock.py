"""Loss and gradients of a block of examples, from what the first layer makes of either side."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from matinee.kernels.arrays import Floats, Integers
from matinee.kernels.layers import climb, cut, descend, mask, rectify, slope, sums, turn
from matinee.kernels.ncfnet import Net, Room, filled, first_layer, per_block

LARGE = 1e300
"""Above it, twice a number may be too large for a float64."""


@njit(nogil=True, cache=True)
def weigh(net: Net, upper: Floats, room: Room, block: int, share: float, thread: int) -> None:
    """Loss of a block's examples and its gradients.

    Units, and gradients by them, are columns: products first, then the layers from below.

    Args:
        net: The loss.
        upper: Flat weights of what is above the sides' part of the first layer.
        room: Its `slopes` and `losses` of the block are filled, gradients added to `backs`.
        block: Which people of the step.
        share: What each example weighs in the mean.
        thread: Whose scratch to use.
    """
    slots, films = room.people.groups.slots, room.films.groups.slots
    each, dim = len(films) // len(slots), net.dim
    first = block * per_block(each)
    last = min(first + per_block(each), len(slots))
    n, height, wide = filled((last - first) * each), dim + net.widths[1:].sum(), first_layer(net)[1]
    units, spare = cut(room.scratch[thread], height, n)
    backs, spare = cut(spare, height, n)
    logits, spare, found = spare[:n], spare[n:], room.slopes[block]
    _join(room, first, last, units[: dim + wide], spare)
    _climb_all(net.widths, upper, units[dim:])
    top = len(upper) - 1 - (net.widths[-1] if len(net.widths) else 0)
    logits[:] = upper[-1]
    _score(upper[top - dim : top], units[:dim], logits)
    _score(upper[top:-1], units[height - (len(upper) - 1 - top) :], logits)
    room.losses[block] = _loss(logits[: (last - first) * each], each, np.float32(share))
    logits[(last - first) * each :] = 0
    found[-1] = logits.sum()
    _unscore(upper[top - dim : top], units[:dim], logits, backs[:dim], found[top - dim : top])
    tops = slice(height - (len(upper) - 1 - top), height)
    _unscore(upper[top:-1], units[tops], logits, backs[tops], found[top:-1])
    _descend_all(net.widths, upper[: top - dim], units[dim:], backs[dim:], found)
    _part(room, first, last, backs[: dim + wide], spare)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _join(room: Room, first: int, last: int, units: Floats, spare: Floats) -> None:
    """Sums of what the first layer makes of the two sides, and products of their vectors."""
    people, films = room.people, room.films
    height, each = len(units), len(films.groups.slots) // len(people.groups.slots)
    rows, _ = cut(spare, (last - first) * each, height)
    for entry in range(first, last):
        slot = people.groups.slots[entry]
        steep, more = people.steep[slot], people.own[slot]
        for one in range(each):
            film = films.own[films.groups.slots[entry * each + one]]
            row = rows[(entry - first) * each + one]
            for k in range(height):
                row[k] = steep[k] * film[k] + more[k]
    turn(rows, units)
    units[:, len(rows) :] = 0


@njit(nogil=True, cache=True)
def _climb_all(widths: Integers, upper: Floats, units: Floats) -> None:
    """Outputs of all layers; of the first one there is all but the bias."""
    at = row = 0
    for layer in range(1, len(widths)):
        wide, narrow = widths[layer - 1], widths[layer]
        high = units[row : row + narrow]
        if layer > 1:
            matrix, at = upper[at : at + wide * narrow].reshape(narrow, wide), at + wide * narrow
            climb(matrix, units[row - wide : row], high)
        rectify(upper[at : at + narrow], high)
        at, row = at + narrow, row + narrow


@njit(nogil=True, cache=True)
def _descend_all(
    widths: Integers, upper: Floats, units: Floats, backs: Floats, found: Floats
) -> None:
    """Gradients by what is below each ReLU, and by weights, from those by the top's outputs."""
    at, row = len(upper), len(units)
    for layer in range(len(widths) - 1, 0, -1):
        wide, narrow = widths[layer - 1], widths[layer]
        at, row = at - narrow, row - narrow
        back = backs[row : row + narrow]
        mask(units[row : row + narrow], back)
        sums(back, found[at : at + narrow])
        if layer > 1:
            at -= narrow * wide
            low, below = units[row - wide : row], backs[row - wide : row]
            slope(back, low, found[at : at + narrow * wide].reshape(narrow, wide))
            descend(upper[at : at + narrow * wide].reshape(narrow, wide), back, below)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _score(weights: Floats, units: Floats, logits: Floats) -> None:
    """Add units to scores `[n]`, each times its weight."""
    for k in range(len(units)):
        row, weight = units[k], weights[k]
        for x in range(len(logits)):
            logits[x] += weight * row[x]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _unscore(weights: Floats, units: Floats, given: Floats, backs: Floats, found: Floats) -> None:
    """Gradients by units and their weights from those by scores."""
    for k in range(len(units)):
        row, back, weight, total = units[k], backs[k], weights[k], np.float32(0)
        for x in range(len(given)):
            total += given[x] * row[x]
            back[x] = weight * given[x]
        found[k] = total


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
def _part(room: Room, first: int, last: int, backs: Floats, spare: Floats) -> None:
    """Add gradients of what was joined to the sums of both sides."""
    people, films = room.people, room.films
    (height, n), each = backs.shape, len(films.groups.slots) // len(people.groups.slots)
    rows, _ = cut(spare, n, height)
    turn(backs, rows)
    for entry in range(first, last):
        person = people.steep[people.groups.slots[entry]]
        total = people.backs[people.groups.sums[entry]]
        for one in range(each):
            place, row = entry * each + one, rows[(entry - first) * each + one]
            film = films.steep[films.groups.slots[place]]
            other = films.backs[films.groups.sums[place]]
            for k in range(height):
                total[k] += row[k] * film[k]
                other[k] += row[k] * person[k]
