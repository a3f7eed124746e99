"""Stochastic gradient descent on single ratings, by one thread or two.

The twin is `BiasedMF.forward` with PyTorch's own gradient and batches of one rating.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Doubles, Floats, ShortIntegers
from matinee.kernels.prefetch import prefetch_row

AHEAD = 16
"""How many ratings before its turn the rows of one are asked for."""


class Tables(NamedTuple):
    """Vectors `[n_users, d]` and `[n_items, d]`, the last column the biases."""

    people: Floats
    films: Floats


class Entries(NamedTuple):
    """Ratings, each `[n]`; lanes are 0 or 1."""

    users: ShortIntegers
    items: ShortIntegers
    ratings: Floats
    lanes: Bits


class Batches(NamedTuple):
    """Ratings of a batch, and the learning rate of each, `[ceil(n / size)]`."""

    size: int
    rates: Doubles


class Stars(NamedTuple):
    """The stars that anything gets, and the penalties of a rating on squares."""

    mean: float
    l2: float
    bias_l2: float


def descend(
    tables: Tables,
    entries: Entries,
    turn: int,
    batches: Batches,
    stars: Stars,
    threads: int,
) -> Doubles:
    """Take a step for each rating, one after the other.

    Args:
        tables: Changed in place.
        entries: Those of the two lanes share no row before `turn`, nor from there on.
        turn: The rating where rows may change lanes.
        batches: Size and learning rates of the batches that the ratings make.
        stars: What is expected of a rating without vectors, and what they cost.
        threads: More than one take a lane each; what comes out does not depend on it.

    Returns:
        The sum of the losses of each batch.
    """
    losses, threads = np.zeros((2, len(batches.rates))), min(threads, 2)
    rest = (tables, entries, batches, stars, losses)
    with ThreadPoolExecutor(threads) as pool:
        for part in ((0, turn), (turn, len(entries.users))):
            done = [pool.submit(_descend, part, (n, threads), *rest) for n in range(threads)]
            for one in done:
                one.result()
    return losses.sum(0)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _descend(
    part: tuple[int, int],
    share: tuple[int, int],
    tables: Tables,
    entries: Entries,
    batches: Batches,
    stars: Stars,
    losses: Doubles,
) -> None:
    """Ratings from `part[0]` to `part[1]`; of two threads, `share[1]`, each takes its lane."""
    size, rates = batches.size, batches.rates
    bias, mean = tables.people.shape[1] - 1, np.float32(stars.mean)
    l2, bias_l2 = np.float32(stars.l2), np.float32(stars.bias_l2)
    alone, last = share[1] == 1, part[1] - 1
    for step in range(part[0] // size, len(rates)):
        rate = np.float32(2 * rates[step])  # of squares
        keep, keep_bias = np.float32(1 - rate * l2), np.float32(1 - rate * bias_l2)
        for n in range(max(step * size, part[0]), min((step + 1) * size, part[1])):
            soon, lane = min(n + AHEAD, last), entries.lanes[n]
            if alone or entries.lanes[soon] == share[0]:
                prefetch_row(tables.people, entries.users[soon])
                prefetch_row(tables.films, entries.items[soon])
            if not alone and lane != share[0]:
                continue
            p, q = tables.people[entries.users[n]], tables.films[entries.items[n]]
            product, squares = np.float32(0), np.float32(0)
            for k in range(bias):
                product += p[k] * q[k]
                squares += p[k] * p[k] + q[k] * q[k]
            error = entries.ratings[n] - mean - p[bias] - q[bias] - product
            far = rate * error
            for k in range(bias):
                before = p[k]
                p[k] = keep * before + far * q[k]
                q[k] = keep * q[k] + far * before
            of_biases = p[bias] * p[bias] + q[bias] * q[bias]
            losses[lane, step] += error * error + l2 * squares + bias_l2 * of_biases
            p[bias] = keep_bias * p[bias] + far
            q[bias] = keep_bias * q[bias] + far
