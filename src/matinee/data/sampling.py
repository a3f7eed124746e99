"""Negatives: films a person has not rated, drawn at random."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import IntArray
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
        self._bits: NDArray[np.uint8] | None = None
        n_pairs = data.n_users * self.n_items
        if n_pairs <= BITMAP_BYTES * 8:
            self._bits = np.zeros((n_pairs >> 3) + 1, dtype=np.uint8)
            np.bitwise_or.at(self._bits, keys >> 3, _bit(keys))
        else:
            self._keys = np.sort(keys)

    def known(self, users: IntArray, items: IntArray) -> NDArray[np.bool_]:
        """Whether each pair is a known positive."""
        keys = users.astype(np.int64) * self.n_items + items
        if self._bits is not None:
            return (self._bits[keys >> 3] & _bit(keys)) != 0
        assert self._keys is not None
        at = np.searchsorted(self._keys, keys)
        return self._keys[np.minimum(at, len(self._keys) - 1)] == keys

    def sample(self, users: IntArray, random: np.random.Generator) -> IntArray:
        """One negative for each of `users` `[n]`, by drawing and redrawing the known ones."""
        drawn = random.integers(self.n_items, size=len(users), dtype=np.int32)
        wrong = np.flatnonzero(self.known(users, drawn))
        for _ in range(MAX_ROUNDS):
            if len(wrong) == 0:
                return drawn
            drawn[wrong] = random.integers(self.n_items, size=len(wrong), dtype=np.int32)
            wrong = wrong[self.known(users[wrong], drawn[wrong])]
        for row in wrong:  # a person who has rated nearly everything
            everything = np.arange(self.n_items, dtype=np.int32)
            unknown = everything[~self.known(np.full_like(everything, users[row]), everything)]
            drawn[row] = random.choice(unknown)
        return drawn


def _bit(keys: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.left_shift(1, keys & 7).astype(np.uint8)


def fixed_sample(n_items: int, count: int) -> torch.Tensor:
    """The same `count` of `n_items` films at every call (all, if there are no more): `[count]`."""
    if n_items <= count:
        return torch.arange(n_items)
    chosen = np.random.Generator(np.random.Philox(key=n_items)).choice(n_items, count, False)
    return torch.from_numpy(np.sort(chosen))
