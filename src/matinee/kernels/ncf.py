"""Steps of GMF, MLP and NeuMF, one after the other; twin: `NCF.forward` and its optimisers.

A step has four parts, each of which threads may share: rows of the tables go through the first
layer (`lift`), examples through all that is above it and back (`weigh`), rows back through the
first layer and on to where they move (`settle`); then the dense weights move. Work is cut into
blocks and lanes of blocks that do not depend on the number of threads and whose gradients are
summed in order, so that the outcome does not either.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.adam import move, pace
from matinee.kernels.arrays import Doubles, Floats, Integers
from matinee.kernels.groups import group
from matinee.kernels.ncfblock import weigh
from matinee.kernels.ncfnet import (
    BLOCK,
    Net,
    Room,
    Rule,
    Side,
    State,
    blocks,
    first_layer,
    per_block,
    per_lane,
)
from matinee.kernels.ncfrows import lift, settle


@njit(nogil=True, cache=True)
def train(
    net: Net,
    state: State,
    users: Integers,
    items: Integers,
    per_step: int,
    rates: Doubles,
    done: int,
    memory: Room,
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
        memory: For steps of `per_step` people.

    Returns:
        The sum of the losses of each step's examples, `[steps]`.
    """
    losses, alone = np.empty(len(rates)), (0, 1)
    for step in range(len(rates)):
        here, number = slice(step * per_step, (step + 1) * per_step), done + step + 1
        room = begin(users[here], items[here], memory)
        lift_share(net, state, room, alone)
        weigh_share(net, room, alone)
        settle_share(net, state, room, rates[step], number, alone)
        losses[step] = finish(net, state, room, rates[step], number)
    return losses


@njit(nogil=True, cache=True)
def begin(users: Integers, items: Integers, memory: Room) -> Room:
    """The room of a step, its entries in groups."""
    each = items.shape[1]
    lane = per_lane(len(users), each) * per_block(each)
    return Room(
        _side(users, lane, memory.people),
        _side(items.ravel(), lane * each, memory.films),
        memory.slopes[: blocks(len(users), per_block(each))],
        memory.losses[: blocks(len(users), per_block(each))],
        memory.scratch,
    )


@njit(nogil=True, cache=True)
def _side(entries: Integers, lane: int, memory: Side) -> Side:
    groups = group(entries, lane, memory.groups)
    count = blocks(len(groups.rows), BLOCK)
    slopes, losses = memory.slopes[:count], memory.losses[:count]
    return Side(groups, memory.steep, memory.own, memory.backs, slopes, losses)


@njit(nogil=True, cache=True)
def lift_share(net: Net, state: State, room: Room, share: tuple[int, int]) -> None:
    """The first layer of the rows that are one of so many threads'."""
    (left, right, _), spare = _split(net), room.scratch[share[0]]
    people, films = len(room.people.losses), len(room.films.losses)
    for block in range(share[0], people + films, share[1]):
        if block < people:
            lift(net, state.people, left, 0, room.people, block, spare)
        else:
            lift(net, state.films, right, 1, room.films, block - people, spare)


@njit(nogil=True, cache=True)
def weigh_share(net: Net, room: Room, share: tuple[int, int]) -> None:
    """Losses and gradients of the examples in lanes that are one of so many threads'."""
    upper, examples = _split(net)[2], len(room.films.groups.slots)
    people = len(room.people.groups.slots)
    size = per_lane(people, examples // people)
    for lane in range(share[0], len(room.people.groups.lanes) - 1, share[1]):
        for side in (room.people, room.films):
            side.backs[side.groups.lanes[lane] : side.groups.lanes[lane + 1]] = 0
        for block in range(lane * size, min((lane + 1) * size, len(room.losses))):
            weigh(net, upper, room, block, 1 / examples, share[0])


@njit(nogil=True, cache=True)
def settle_share(
    net: Net, state: State, room: Room, rate: float, number: int, share: tuple[int, int]
) -> None:
    """Move rows that are one of so many threads' in step `number`, from 1."""
    (left, right, _), spare = _split(net), room.scratch[share[0]]
    entries, examples = len(room.people.groups.slots), len(room.films.groups.slots)
    keep, now = 1 - rate * state.row_decay, pace(rate, number)
    of_people, of_films = Rule(net.l2 / entries, keep, now), Rule(net.l2 / examples, keep, now)
    people, films = len(room.people.losses), len(room.films.losses)
    for block in range(share[0], people + films, share[1]):
        if block < people:
            settle(net, state.people, left, room.people, block, of_people, spare)
        else:
            settle(net, state.films, right, room.films, block - people, of_films, spare)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def finish(net: Net, state: State, room: Room, rate: float, number: int) -> float:
    """Move the dense weights, once all else of step `number` is done; the sum of the losses."""
    size = room.people.slopes.shape[1]
    gradient, dense = np.zeros(len(net.dense), np.float32), state.dense
    _add(room.people.slopes, gradient[:size])
    _add(room.films.slopes, gradient[size : 2 * size])
    _add(room.slopes, gradient[2 * size :])
    keep = np.float32(1) - np.float32(rate) * state.decay
    move(dense.weight, dense.mean, dense.square, gradient, keep, pace(rate, number))
    loss = room.losses.sum() + room.people.losses.sum() + room.films.losses.sum()
    return loss * len(room.films.groups.slots)


@njit(nogil=True, cache=True)
def _split(net: Net) -> tuple[Floats, Floats, Floats]:
    """Weights of the first layer for people, those for films, and the rest."""
    half, wide = first_layer(net)
    size = half * wide
    left, right = net.dense[:size], net.dense[size : 2 * size]
    return left.reshape(wide, half), right.reshape(wide, half), net.dense[2 * size :]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _add(rows: Floats, total: Floats) -> None:
    """Add all rows to a vector."""
    for row in range(len(rows)):
        more = rows[row]
        for k in range(len(total)):
            total[k] += more[k]
