"""What the steps of GMF, MLP and NeuMF are made of, and the memory they use again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.adam import Moments, Pace
from matinee.kernels.arrays import Doubles, Floats, Integers
from matinee.kernels.groups import Groups, make_groups
from matinee.kernels.memory import aligned

BLOCK = 256
"""Examples, or rows of a table, that go through layers together, so that they stay in the cache."""
COLUMNS = 64
"""Columns come in multiples of it, so that loops over them have no rest."""
LANES = 8
"""Parts of a step's examples that threads may share; see `kernels.groups`."""


class Net(NamedTuple):
    """What a loss is made of.

    Attributes:
        dim: Width of the product; 0 leaves it out.
        widths: Half the width of the tower's input, and the output widths of its layers, all
            filled up to multiples of `UNITS`; empty leaves it out.
        l2: Penalty on the vectors' squared lengths.
        dense: Flat weights: of the tower's first layer those of the person, those of the film and
            the bias; of each later layer the weights and the bias; those of the output, the
            product's before the top's, and its bias.
    """

    dim: int
    widths: Integers
    l2: float
    dense: Floats


class State(NamedTuple):
    """What steps change, and how much it shrinks by itself.

    Attributes:
        dense: Flat, as in `Net`.
        people: Vectors `[n_users, width]`, the product's before the tower's.
        films: Vectors `[n_items, width]`, alike.
        decay: `[n]`, decoupled decay of each dense weight.
        row_decay: That of the tables' rows.
    """

    dense: Moments
    people: Moments
    films: Moments
    decay: Floats
    row_decay: float


class Rule(NamedTuple):
    """How a step moves rows of a table.

    Attributes:
        weight: Penalty on a row's squared length, for each entry that it is of.
        keep: What rows are shrunk to before they move.
        pace: Of Adam.
    """

    weight: float
    keep: float
    pace: Pace


class Side(NamedTuple):
    """The people of a step, or its films.

    Attributes:
        groups: Entries by person, or by film.
        steep: `[m, dim + wide]`, of each distinct row what the other side's `own` is multiplied
            by: the product's part of the vector, and 1 for each unit of the first layer.
        own: `[m, dim + wide]`, the product's part again, or 0 if it is a person's, and what the
            first layer makes of the rest. So a person's `steep` times a film's `own`, plus the
            person's `own`, is the products, and the units before their bias.
        backs: `[sums, dim + wide]`, the gradient of the loss by these, a sum for each lane and row.
        slopes: `[blocks, size]`, that by its part of the first layer in each block of rows.
        losses: `[blocks]`, the penalties on their vectors.
    """

    groups: Groups
    steep: Floats
    own: Floats
    backs: Floats
    slopes: Floats
    losses: Doubles


class Room(NamedTuple):
    """Memory that all steps use again.

    Attributes:
        people: Of the people of a step.
        films: Of its films.
        slopes: `[blocks, size]`, gradients of what is above the first layer by block of examples.
        losses: `[blocks]`, their parts of the loss.
        scratch: `[threads, n]`, whatever a block needs on its way.
    """

    people: Side
    films: Side
    slopes: Floats
    losses: Doubles
    scratch: Floats


@njit(nogil=True, cache=True)
def make_room(net: Net, state: State, people: int, each: int, threads: int) -> Room:
    """Room for steps of so many people, of so many films each."""
    half, wide = first_layer(net)
    shape, width = wide + net.dim, state.people.weight.shape[1]
    upper = len(net.dense) - 2 * wide * half
    count, columns = blocks(people, per_block(each)), filled(max(BLOCK, each))
    units = max(net.widths[1:].sum() + net.dim, 2 * (shape + half + width))
    return Room(
        _make_side(people, len(state.people.weight), shape, wide * half),
        _make_side(people * each, len(state.films.weight), shape, wide * half),
        np.empty((count, upper), np.float32),
        np.empty(count),
        aligned(threads, columns * 2 * (units + 1)),
    )


@njit(nogil=True, cache=True)
def _make_side(entries: int, n_rows: int, shape: int, size: int) -> Side:
    rows = min(entries, n_rows)
    return Side(
        make_groups(entries, n_rows),
        np.empty((rows, shape), np.float32),
        np.empty((rows, shape), np.float32),
        np.empty((entries, shape), np.float32),
        np.empty((blocks(rows, BLOCK), size), np.float32),
        np.empty(blocks(rows, BLOCK)),
    )


@njit(nogil=True, cache=True)
def first_layer(net: Net) -> tuple[int, int]:
    """Inputs of a side, and outputs, of the tower's first layer; both 0 without a tower."""
    return (net.widths[0], net.widths[1]) if len(net.widths) else (0, 0)


@njit(nogil=True, cache=True)
def per_block(each: int) -> int:
    """People whose examples go through layers together."""
    return max(BLOCK // each, 1)


@njit(nogil=True, cache=True)
def per_lane(people: int, each: int) -> int:
    """Blocks of a lane, if a step has so many people."""
    return blocks(blocks(people, per_block(each)), LANES)


@njit(nogil=True, cache=True)
def blocks(entries: int, size: int) -> int:
    """How many blocks of a size there are."""
    return -(-entries // size)


@njit(nogil=True, cache=True)
def filled(columns: int) -> int:
    """Columns with those that are added so that loops have no rest."""
    return -(-columns // COLUMNS) * COLUMNS
