"""Steps of GMF, MLP and NeuMF, one after the other; twin: `NCF.forward` and its optimisers.

A step is cut into parts whose activations stay in the cache. Their products are BLAS's, and too
small for BLAS to share out among threads of its own. The parts do not depend on the number of
threads and their gradients are summed in order, so that the outcome does not either.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.adam import Moments, move, move_rows, pace
from matinee.kernels.arrays import Doubles, Floats, Integers, ShortIntegers
from matinee.kernels.layers import climb, cut, descend

SMALL = 1 << 18
"""Multiplications of a product from which BLAS takes to several threads."""
PART = 240
"""Examples of a part of a step at most, so that the activations of a part stay in the cache."""
LARGE = 1e300
"""Above it, twice a number may be too large for a float64."""


class Net(NamedTuple):
    """What a loss is made of.

    Attributes:
        dim: Width of the product; 0 leaves it out.
        widths: Half the width of the tower's input, and the output widths of its layers; empty
            leaves it out.
        l2: Penalty on the vectors' squared lengths.
        dense: Flat weights: of the tower's first layer those of the person, those of the film
            and the bias; of each later layer the weights and the bias; those of the output and
            its bias.
        people: Vectors `[n_users, width]`, the product's before the tower's.
        films: Vectors `[n_items, width]`.
    """

    dim: int
    widths: Integers
    l2: float
    dense: Floats
    people: Floats
    films: Floats


class State(NamedTuple):
    """What steps change, and how much it shrinks by itself.

    Attributes:
        dense: As in `Net`.
        people: As in `Net`.
        films: As in `Net`.
        decay: `[n]`, decoupled decay of each dense weight.
        row_decay: That of the tables' rows.
    """

    dense: Moments
    people: Moments
    films: Moments
    decay: Floats
    row_decay: float


class Room(NamedTuple):
    """Memory that all steps use again.

    Attributes:
        slopes: `[parts, n]`, the gradient of the dense weights by each part.
        to_people: `[P, width]`, that of each person's vector.
        to_films: `[P * each, width]`, that of each film's.
        first_people: `[n_users]`, see `move_rows`.
        first_films: `[n_items]`.
        scratch: `[threads, n]`, whatever a part needs on its way.
    """

    slopes: Floats
    to_people: Floats
    to_films: Floats
    first_people: ShortIntegers
    first_films: ShortIntegers
    scratch: Floats


@njit(nogil=True, cache=True)
def make_room(net: Net, people: int, each: int, threads: int) -> Room:
    """Room for steps of so many people, of so many films each."""
    bounds = _parts(people, each, net.widths)
    width, parts = net.people.shape[1], len(bounds) - 1
    most = np.diff(bounds).max()
    return Room(
        np.empty((parts, len(net.dense)), np.float32),
        np.empty((people, width), np.float32),
        np.empty((people * each, width), np.float32),
        np.full(len(net.people), -1, np.int32),
        np.full(len(net.films), -1, np.int32),
        np.empty((threads, most * (each + 1) * (2 * width + 4 * net.widths.sum() + 2)), np.float32),
    )


@njit(nogil=True, cache=True)
def train(
    net: Net,
    state: State,
    users: Integers,
    items: Integers,
    per_step: int,
    rates: Doubles,
    done: int,
    room: Room,
) -> Doubles:
    """Take steps of Adam on binary cross-entropy.

    Args:
        net: The loss; its weights are those of `state`.
        state: Changed in place.
        users: `[P]`, the people of all steps.
        items: `[P, 1 + negatives]`: a film that was rated, then others.
        per_step: People of a step; the last one may have fewer.
        rates: `[steps]`, the learning rate of each.
        done: Steps taken before.
        room: Memory for steps of `per_step` people.

    Returns:
        The sum of the losses of each step's examples, `[steps]`.
    """
    losses = np.empty(len(rates))
    for step in range(len(rates)):
        here = slice(step * per_step, min((step + 1) * per_step, len(users)))
        some, films = users[here], items[here]
        losses[step] = slopes(net, some, films, room, (0, 1)) * films.size
        update(net, state, some, films, rates[step], done + step + 1, room, (0, 1))
    return losses


@njit(nogil=True, cache=True)
def slopes(net: Net, users: Integers, items: Integers, room: Room, share: tuple[int, int]) -> float:
    """Gradients of the parts of a step that are one of so many threads'; their part of the loss."""
    bounds, total = _parts(len(users), items.shape[1], net.widths), 0.0
    for part in range(share[0], len(bounds) - 1, share[1]):
        total += _part(net, users, items, bounds, room, part, share[0])
    return total


@njit(nogil=True, cache=True)
def update(
    net: Net,
    state: State,
    users: Integers,
    items: Integers,
    rate: float,
    number: int,
    room: Room,
    share: tuple[int, int],
) -> None:
    """Move what one of so many threads has to once all parts of step `number`, from 1, are done."""
    now, dense, slopes = pace(rate, number), state.dense, room.slopes
    if share[0] == 0:
        for part in range(1, len(_parts(len(users), items.shape[1], net.widths)) - 1):
            for k in range(slopes.shape[1]):
                slopes[0, k] += slopes[part, k]
        keep = 1 - np.float32(rate) * state.decay
        move(dense.weight, dense.mean, dense.square, slopes[0], keep, now)
    keep = np.full(net.people.shape[1], 1 - rate * state.row_decay, np.float32)
    move_rows(state.people, users, room.to_people, room.first_people, share, keep, now)
    move_rows(state.films, items.ravel(), room.to_films, room.first_films, share, keep, now)


@njit(nogil=True, cache=True)
def _parts(people: int, each: int, widths: Integers) -> Integers:
    """Where parts of about the same size begin, an even number of them unless there is one."""
    largest = (widths[:-1] * widths[1:]).max() if len(widths) else 1
    most = max(min(PART, SMALL // largest - each), 1)
    count = min(-(-people * each // most), people)
    count = count + count % 2 if count > 1 else 1
    return np.arange(count + 1) * people // count


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _part(
    net: Net, users: Integers, items: Integers, bounds: Integers, room: Room, part: int, thread: int
) -> float:
    """Loss and gradients of some people's examples, as shares of the whole step's mean."""
    here = slice(bounds[part], bounds[part + 1])
    each, dim = items.shape[1], net.dim
    there = slice(bounds[part] * each, bounds[part + 1] * each)
    share = np.float32(1 / items.size)
    films, people = items[here].ravel(), users[here]
    to_people, to_films = room.to_people[here], room.to_films[there]
    last = net.widths[-1] if len(net.widths) else 0
    head = len(net.dense) - dim - last - 1
    flat, out, slope = net.dense[:head], net.dense[head:], room.slopes[part]
    slope[:] = 0
    spare = room.scratch[thread]
    left, spare = _halves(net.people, people, dim, spare)
    right, spare = _halves(net.films, films, dim, spare)
    hidden, spare = cut(spare, 1, len(films) * net.widths[1:].sum())
    if last:
        spare = climb(flat, net.widths, left[1], right[1], hidden[0], spare)
    top = hidden[0, len(films) * -last :].reshape(len(films), last)
    logits, spare = cut(spare, 1, len(films))
    _logits(out, left[0], right[0], top, logits[0])
    loss = _loss(logits[0], each, share)
    _product(out, slope[head:], left[0], right[0], logits[0], to_people, to_films)
    if last:
        back, spare = cut(spare, len(films), last)
        _to_top(out[dim:], slope[head + dim :], top, logits[0], back)
        sides = descend(flat, slope[:head], net.widths, left[1], right[1], hidden[0], back, spare)
        _put(sides[0], to_people, dim)
        _put(sides[1], to_films, dim)
    if net.l2:
        weight = np.float32(net.l2 * share)
        loss += _shrink(net.people, people, to_people, np.float32(weight * each))
        loss += _shrink(net.films, films, to_films, weight)
    return loss


@njit(nogil=True, cache=True)
def _halves(
    table: Floats, rows: Integers, dim: int, spare: Floats
) -> tuple[tuple[Floats, Floats], Floats]:
    """The product's and the tower's part of some rows, each contiguous."""
    product, spare = cut(spare, len(rows), dim)
    tower, spare = cut(spare, len(rows), table.shape[1] - dim)
    for entry in range(len(rows)):
        row = table[rows[entry]]
        for k in range(dim):
            product[entry, k] = row[k]
        for k in range(tower.shape[1]):
            tower[entry, k] = row[dim + k]
    return (product, tower), spare


@njit(nogil=True, cache=True)
def _put(tower: Floats, rows: Floats, dim: int) -> None:
    """Write the tower's part of some rows."""
    for entry in range(len(rows)):
        for k in range(tower.shape[1]):
            rows[entry, dim + k] = tower[entry, k]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _logits(out: Floats, left: Floats, right: Floats, top: Floats, logits: Floats) -> None:
    """Scores `[n]` from the weights of the output, the two factors and the tower's top."""
    dim, each = left.shape[1], len(right) // len(left)
    for entry in range(len(logits)):
        total, person, film, high = out[-1], left[entry // each], right[entry], top[entry]
        for k in range(dim):
            total += out[k] * person[k] * film[k]
        for k in range(len(high)):
            total += out[dim + k] * high[k]
        logits[entry] = total


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
def _product(
    out: Floats,
    slope: Floats,
    left: Floats,
    right: Floats,
    logits: Floats,
    to_people: Floats,
    to_films: Floats,
) -> None:
    """Gradients of the product branch, and of the bias of the output."""
    dim, each = left.shape[1], len(right) // len(left)
    for entry in range(len(logits)):
        g, person, film = logits[entry], left[entry // each], right[entry]
        to_person, to_film = to_people[entry // each], to_films[entry]
        if entry % each == 0:
            to_person[:dim] = 0
        for k in range(dim):
            scaled = g * film[k]
            slope[k] += scaled * person[k]
            to_person[k] += scaled * out[k]
            to_film[k] = g * out[k] * person[k]
        slope[-1] += g


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _to_top(out: Floats, slope: Floats, top: Floats, logits: Floats, back: Floats) -> None:
    """Gradient of the tower's top before its ReLU, `[n, last]`, and of what weighs it."""
    for entry in range(len(top)):
        g, high, row = logits[entry], top[entry], back[entry]
        for k in range(len(high)):
            slope[k] += g * high[k]
            row[k] = g * out[k] if high[k] > 0 else np.float32(0)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _shrink(table: Floats, rows: Integers, gradients: Floats, weight: np.float32) -> float:
    """Add the gradient of `weight` times the squared lengths of rows, and tell these."""
    total, twice = 0.0, np.float32(2 * weight)
    for entry in range(len(rows)):
        row, gradient = table[rows[entry]], gradients[entry]
        for k in range(len(row)):
            total += row[k] * row[k]
            gradient[k] += twice * row[k]
    return float(total * weight)
