"""Stochastic gradient descent on single ratings, by one thread or two.

The twins are `BiasedMF.forward` and PyTorch's own gradient, with batches of one rating.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from matinee.kernels.arrays import Bits, Doubles, Floats, ShortIntegers


def descend(
    people: Floats,
    films: Floats,
    users: ShortIntegers,
    items: ShortIntegers,
    ratings: Floats,
    lanes: Bits,
    turn: int,
    size: int,
    rates: Doubles,
    mean: float,
    penalties: tuple[float, float],
    threads: int,
) -> Doubles:
    """Take a step for each rating, one after the other, changing both tables in place.

    Args:
        people: `[n_users, d]`, the last column the biases.
        films: `[n_items, d]`, likewise.
        users: `[n]`.
        items: `[n]`.
        ratings: `[n]`.
        lanes: `[n]`, 0 or 1; ratings of the two lanes share no row before `turn`, nor after.
        turn: The rating where rows may change lanes.
        size: Ratings of a batch.
        rates: The learning rate of each batch, `[ceil(n / size)]`.
        mean: The stars that anything gets to begin with.
        penalties: On the squares of vectors and of biases, for each rating.
        threads: More than one take a lane each; what comes out does not depend on it.

    Returns:
        The sum of the losses of each batch, `[ceil(n / size)]`.
    """
    losses = np.zeros((2, len(rates)))
    lane_count = min(threads, 2)

    def lane(part: tuple[int, int], which: int) -> None:
        share = (which, lane_count - 1)
        entries = (users, items, ratings, lanes)
        _descend(part, share, people, films, *entries, size, rates, mean, *penalties, losses)

    parts = [(0, turn), (turn, len(users))]
    with ThreadPoolExecutor(lane_count) as pool:
        for part in parts:
            list(pool.map(lane, [part] * lane_count, range(lane_count)))
    return losses.sum(0)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _descend(
    part: tuple[int, int],
    share: tuple[int, int],
    people: Floats,
    films: Floats,
    users: ShortIntegers,
    items: ShortIntegers,
    ratings: Floats,
    lanes: Bits,
    size: int,
    rates: Doubles,
    mean: float,
    l2: float,
    bias_l2: float,
    losses: Doubles,
) -> None:
    """Ratings from `part[0]` to `part[1]` whose lane, under the mask `share[1]`, is `share[0]`."""
    bias, centre = people.shape[1] - 1, np.float32(mean)
    for step in range(part[0] // size, len(rates)):
        rate = np.float32(2 * rates[step])  # of squares
        keep, keep_bias = np.float32(1 - rate * l2), np.float32(1 - rate * bias_l2)
        for n in range(max(step * size, part[0]), min((step + 1) * size, part[1])):
            if lanes[n] & share[1] != share[0]:
                continue
            p, q = people[users[n]], films[items[n]]
            error, squares = ratings[n] - centre - p[bias] - q[bias], np.float32(0)
            for k in range(bias):
                error -= p[k] * q[k]
                squares += p[k] * p[k] + q[k] * q[k]
            of_biases = p[bias] * p[bias] + q[bias] * q[bias]
            losses[lanes[n], step] += error * error + l2 * squares + bias_l2 * of_biases
            far = rate * error
            for k in range(bias):
                before = p[k]
                p[k] = keep * before + far * q[k]
                q[k] = keep * q[k] + far * before
            p[bias] = keep_bias * p[bias] + far
            q[bias] = keep_bias * q[bias] + far
