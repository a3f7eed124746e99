"""Negatives: films a person has not rated, drawn at random."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import IntArray, LongArray
from matinee.errors import DataError

BITMAP_BYTES = 1 << 30
"""Largest bitmap of known pairs; above it, membership is a binary search."""
MAX_ROUNDS = 200
"""Redraws before the rest is settled by listing what a person has not rated."""


class NegativeSampler:
    """Draws films uniformly from those a person has not rated.

    Membership is one bit a pair while the bitmap is small enough, so that a draw costs
    the same however many ratings there are.

    Args:
        data: The known positives.

    Attributes:
        bits: Bit u * n_items + i says whether u has rated i; None if there are too many pairs.

    Raises:
        DataError: If somebody has rated every film.
    """

    def __init__(self, data: Interactions) -> None:
        self.n_items = data.n_items
        busiest = int(np.diff(data.offsets).max(initial=0))
        if busiest >= self.n_items > 0:
            raise DataError(
                "somebody has rated every film, so there are no negatives to draw",
                expected="more films than anyone has rated",
            )
        keys = data.users.astype(np.int64) * self.n_items + data.items
        self._keys: NDArray[np.int64] | None = None
        self.bits: NDArray[np.uint8] | None = None
        n_pairs = data.n_users * self.n_items
        if n_pairs <= BITMAP_BYTES * 8:
            self.bits = np.zeros((n_pairs >> 3) + 1, dtype=np.uint8)
            np.bitwise_or.at(self.bits, keys >> 3, _bit(keys))
        else:
            self._keys = np.sort(keys)

    def known(self, users: IntArray, items: IntArray) -> NDArray[np.bool_]:
        """Whether each pair is a known positive."""
        keys = users.astype(np.int64) * self.n_items + items
        if self.bits is not None:
            return (self.bits[keys >> 3] & _bit(keys)) != 0
        assert self._keys is not None
        at = np.searchsorted(self._keys, keys)
        return self._keys[np.minimum(at, len(self._keys) - 1)] == keys

    def sample(self, users: IntArray, places: LongArray, key: int) -> IntArray:
        """One negative for each of `users` `[n]`, by drawing and redrawing the known ones.

        The draws are a function of (key, place) alone, whatever is drawn beside them.

        Args:
            users: `[n]`.
            places: `[n]` int64 from 0, which draw under this key each is; below 2^40.
            key: Of 64 bits.
        """
        drawn = self._draw(places, key, 0)
        wrong = np.flatnonzero(self.known(users, drawn))
        for attempt in range(1, MAX_ROUNDS):
            if len(wrong) == 0:
                return drawn
            drawn[wrong] = self._draw(places[wrong], key, attempt)
            wrong = wrong[self.known(users[wrong], drawn[wrong])]
        everything = np.arange(self.n_items, dtype=np.int32)
        for row in wrong:  # a person who has rated nearly everything
            unknown = everything[~self.known(np.full_like(everything, users[row]), everything)]
            drawn[row] = unknown[_below(len(unknown), places[row : row + 1], key, MAX_ROUNDS)[0]]
        return drawn

    def _draw(self, places: LongArray, key: int, attempt: int) -> IntArray:
        return _below(self.n_items, places, key, attempt).astype(np.int32)


def _below(limit: int, places: LongArray, key: int, attempt: int) -> NDArray[np.uint64]:
    """A uniform integer below `limit` for each place: SplitMix64, entered anywhere.

    Steele, Lea and Flood, 'Fast splittable pseudorandom number generators', OOPSLA 2014. A draw
    costs a few passes over the places, however few they are and wherever they begin.
    """
    z = places.astype(np.uint64)
    z += np.uint64((attempt << 40) + 1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(key)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    z >>= np.uint64(32)
    z *= np.uint64(limit)  # the upper half of the product with 32 random bits
    z >>= np.uint64(32)
    return z


def _bit(keys: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.left_shift(1, keys & 7).astype(np.uint8)


def fixed_sample(n_items: int, count: int) -> torch.Tensor:
    """The same `count` of `n_items` films at every call (all, if there are no more): `[count]`."""
    if n_items <= count:
        return torch.arange(n_items)
    chosen = np.random.Generator(np.random.Philox(key=n_items)).choice(n_items, count, False)
    return torch.from_numpy(np.sort(chosen))
