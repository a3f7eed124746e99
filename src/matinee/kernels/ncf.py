"""Steps of GMF, MLP and NeuMF, one after the other; twin: `NCF.forward` and its optimisers.

A step has four parts, each of which threads may share: rows of the tables go through the first
layer (`lift`), examples through all that is above it and back (`weigh`), rows back through the
first layer and on to where they move (`settle`); then the dense weights move. Work is cut into
blocks that do not depend on the number of threads and whose gradients are summed in order, so that
the outcome does not either.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.kernels.adam import move, pace
from matinee.kernels.arrays import Doubles, Floats, Integers
from matinee.kernels.groups import group
from matinee.kernels.ncfblock import weigh
from matinee.kernels.ncfnet import BLOCK, Net, Room, Side, State, blocks, first_layer, per_block
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
        lift_share(net, room, alone)
        loss = weigh_share(net, room, alone)
        loss += settle_share(net, state, room, rates[step], number, alone)
        finish(net, state, room, rates[step], number)
        losses[step] = loss * items[here].size
    return losses


@njit(nogil=True, cache=True)
def begin(users: Integers, items: Integers, memory: Room) -> Room:
    """The room of a step, its entries in groups."""
    people, films = memory.people, memory.films
    return Room(
        Side(group(users, people.groups), people.halves, people.backs, people.slopes),
        Side(group(items.ravel(), films.groups), films.halves, films.backs, films.slopes),
        memory.slopes,
        memory.scratch,
    )


@njit(nogil=True, cache=True)
def lift_share(net: Net, room: Room, share: tuple[int, int]) -> None:
    """The first layer of the rows that are one of so many threads'."""
    left, bias, right, _ = _split(net, net.dense)
    none, spare = np.zeros(len(bias), np.float32), room.scratch[share[0]]
    people, films = _blocks(room)
    for block in range(share[0], people + films, share[1]):
        if block < people:
            lift(net, net.people, left, bias, room.people, block, spare)
        else:
            lift(net, net.films, right, none, room.films, block - people, spare)


@njit(nogil=True, cache=True)
def weigh_share(net: Net, room: Room, share: tuple[int, int]) -> float:
    """Gradients of the examples that are one of so many threads'; their part of the loss."""
    upper, loss = _split(net, net.dense)[3], 0.0
    people, films = len(room.people.groups.slots), len(room.films.groups.slots)
    for block in range(share[0], blocks(people, per_block(films // people)), share[1]):
        loss += weigh(net, upper, room, block, 1 / films, share[0])
    return loss


@njit(nogil=True, cache=True)
def settle_share(
    net: Net, state: State, room: Room, rate: float, number: int, share: tuple[int, int]
) -> float:
    """Move rows that are one of so many threads' in step `number`, from 1; their penalty."""
    left, _, right, _ = _split(net, net.dense)
    now, keep, loss = pace(rate, number), 1 - rate * state.row_decay, 0.0
    weight, spare = net.l2 / len(room.films.groups.slots), room.scratch[share[0]]
    each = len(room.films.groups.slots) // len(room.people.groups.slots)
    people, films = _blocks(room)
    for block in range(share[0], people + films, share[1]):
        if block < people:
            side, table, more = room.people, state.people, weight * each
            loss += settle(net, table, left, side, block, more, keep, now, spare)
        else:
            side, table, at = room.films, state.films, block - people
            loss += settle(net, table, right, side, at, weight, keep, now, spare)
    return loss


@njit(nogil=True, cache=True)
def finish(net: Net, state: State, room: Room, rate: float, number: int) -> None:
    """Move the dense weights, once all else of step `number` is done."""
    people, films = _blocks(room)
    entries = len(room.people.groups.slots)
    size = per_block(len(room.films.groups.slots) // entries)
    one, two = room.people.slopes.shape[1], room.films.slopes.shape[1]
    gradient, dense = np.zeros(len(net.dense), np.float32), state.dense
    _add(room.people.slopes[:people], gradient[:one])
    _add(room.films.slopes[:films], gradient[one : one + two])
    _add(room.slopes[: blocks(entries, size)], gradient[one + two :])
    keep = 1 - np.float32(rate) * state.decay
    move(dense.weight, dense.mean, dense.square, gradient, keep, pace(rate, number))


@njit(nogil=True, cache=True)
def _split(net: Net, flat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Of flat weights the first layer's for people, its bias, those for films, and the rest."""
    half, wide = first_layer(net)
    size = half * wide
    left, bias = flat[:size].reshape(wide, half), flat[size : size + wide]
    right = flat[size + wide : 2 * size + wide].reshape(wide, half)
    return left, bias, right, flat[2 * size + wide :]


@njit(nogil=True, cache=True)
def _blocks(room: Room) -> tuple[int, int]:
    """Blocks of people and of films."""
    people, films = room.people.groups.rows, room.films.groups.rows
    return blocks(len(people), BLOCK), blocks(len(films), BLOCK)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _add(rows: Floats, total: Floats) -> None:
    """Add all rows to a vector."""
    for row in range(len(rows)):
        more = rows[row]
        for k in range(len(total)):
            total[k] += more[k]
