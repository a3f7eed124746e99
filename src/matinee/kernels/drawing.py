"""Negatives for many ratings in one pass; twin: `NegativeSampler.sample`."""

from __future__ import annotations

import numpy as np
from numba import njit

from matinee.data.sampling import MAX_ROUNDS, NegativeSampler
from matinee.kernels.arrays import AnyIntegers, Bits, Integers, ShortIntegers


def draw(
    sampler: NegativeSampler, users: AnyIntegers, rows: Integers, negatives: int, key: int
) -> ShortIntegers | None:
    """What `sampler` draws for ratings `[n]` of these users: `[n, negatives]`.

    None where it has no bitmap, or where somebody has rated nearly everything.
    """
    drawn = np.empty((len(rows), negatives), np.int32)
    if sampler.bits is None:
        return None
    found = _draw(users, rows, sampler.bits, sampler.n_items, np.uint64(key), drawn)
    return drawn if found else None


@njit(nogil=True, cache=True)
def _draw(
    users: AnyIntegers,
    rows: Integers,
    bits: Bits,
    n_items: int,
    key: np.uint64,
    drawn: ShortIntegers,
) -> bool:
    negatives = drawn.shape[1]
    for one in range(len(rows)):
        begin = np.int64(users[one]) * n_items
        for which in range(negatives):
            place = rows[one] * negatives + which
            for attempt in range(MAX_ROUNDS):
                film = _below(n_items, place + (attempt << 40), key)
                pair = begin + film
                if not (bits[pair >> 3] >> (pair & 7)) & 1:
                    drawn[one, which] = film
                    break
            else:
                return False
    return True


@njit(nogil=True, cache=True, inline="always")
def _below(limit: int, place: int, key: np.uint64) -> int:
    """See `matinee.data.sampling`."""
    z = np.uint64(place + 1) * np.uint64(0x9E3779B97F4A7C15) + key
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    return int((z * np.uint64(limit)) >> np.uint64(32))
