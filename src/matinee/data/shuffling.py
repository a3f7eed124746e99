"""The order in which an epoch shows what there is: a function of the seed and the epoch alone."""

from __future__ import annotations

import math

import numpy as np

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray

BLOCK = 1 << 20
"""Ratings shuffled at a time: with what a step touches of their people, they stay in the cache."""

_ORDER, _PEOPLE = 0, 6


def stream(seed: int, purpose: int, epoch: int, step: int = 0) -> np.random.Generator:
    """The random numbers of one purpose at one place of a run: a counter-based generator."""
    return np.random.Generator(np.random.Philox(key=[seed, purpose], counter=[0, 0, epoch, step]))


class Shuffled:
    """Rows in a new order each epoch, `per_batch` at a time.

    Args:
        n_rows: Rows from 0.
        per_batch: Rows of a batch; the last one of an epoch may have fewer.
        seed: Of the order.
    """

    def __init__(self, n_rows: int, per_batch: int, seed: int) -> None:
        self.n_rows, self.per_batch, self.seed = n_rows, per_batch, seed
        self._epoch = -1
        self._order = np.empty(0, np.int64)

    def __len__(self) -> int:
        return math.ceil(self.n_rows / self.per_batch)

    def rows(self, epoch: int, step: int, steps: int = 1) -> LongArray:
        """The rows of so many batches."""
        if epoch != self._epoch:
            self._order = stream(self.seed, _ORDER, epoch).permutation(self.n_rows)
            self._epoch = epoch
        return self._order[step * self.per_batch : (step + steps) * self.per_batch]


class ShuffledByPeople:
    """Ratings in a new order each epoch: all of some people, drawn at random, then of others.

    People of about `BLOCK` ratings take turns, whose ratings are shuffled among themselves: a
    permutation of everything, and steps whose people are anywhere, wait for memory longer than
    they work where there are tens of millions. Up to `BLOCK` ratings it is a plain shuffle.

    Args:
        data: Ratings.
        per_batch: Ratings of a batch; the last one of an epoch may have fewer.
        seed: Of the order.
    """

    def __init__(self, data: Interactions, per_batch: int, seed: int) -> None:
        self.data, self.per_batch, self.seed = data, per_batch, seed
        self._epoch, self._number = -1, -1
        self._block = np.empty(0, np.int64)

    def __len__(self) -> int:
        return math.ceil(len(self.data) / self.per_batch)

    def rows(self, epoch: int, step: int, steps: int = 1) -> LongArray:
        """The rows of so many batches."""
        if epoch != self._epoch:
            self._begin(epoch)
        start = step * self.per_batch
        stop = min(start + steps * self.per_batch, len(self.data))
        first, last = np.searchsorted(self._edges, [start, stop - 1], side="right") - 1
        edges = self._edges[first : last + 1, None]
        parts = np.clip([start, stop] - edges, 0, None)
        blocks = range(int(first), int(last) + 1)
        return np.concatenate(
            [self._rows(number)[a:b] for number, (a, b) in zip(blocks, parts, strict=True)]
        )

    def _begin(self, epoch: int) -> None:
        """Deal people out to blocks of about the same number of ratings."""
        people = stream(self.seed, _PEOPLE, epoch).permutation(self.data.n_users)
        ends = np.diff(self.data.offsets)[people].cumsum()
        blocks = math.ceil(len(self.data) / BLOCK)
        cuts = np.searchsorted(ends, np.arange(1, blocks) * len(self.data) // blocks) + 1
        self._people = np.split(people, cuts)
        self._edges = np.concatenate([[0], ends[cuts - 1]])
        self._epoch, self._number = epoch, -1

    def _rows(self, number: int) -> LongArray:
        """All of a block; it is kept until the next one is asked for."""
        if number != self._number:
            _, self._block = self.data.histories(np.sort(self._people[number]))
            stream(self.seed, _ORDER, self._epoch, number).shuffle(self._block)
            self._number = number
        return self._block
