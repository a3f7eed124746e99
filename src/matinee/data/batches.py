"""In-memory views of the training data, one vectorised slice a batch.

Every random choice is a function of (seed, epoch, step), so that a resumed run draws what
an uninterrupted one would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matinee.data.interactions import Interactions
from matinee.data.sampling import NegativeSampler
from matinee.data.shuffling import Shuffled, ShuffledByPeople, stream

Batch = dict[str, Tensor]
Draw = Callable[
    [NegativeSampler, NDArray[np.int32], NDArray[np.int64], int, int], NDArray[np.int32] | None
]
"""What a sampler draws for users' ratings, so many for each, under a key; None if it cannot."""

_NEGATIVES, _SHOWN, _WINDOWS, _LANES = 1, 3, 4, 5


class RatingBatches:
    """Ratings as they are: `users`, `items` int64 and `ratings` float32, each `[b]`.

    Args:
        data: Training ratings.
        batch_size: Ratings a batch.
        seed: Of the order.
    """

    def __init__(self, data: Interactions, *, batch_size: int, seed: int) -> None:
        self.data = data
        self._order = Shuffled(len(data), batch_size, seed)

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, step: int) -> Batch:
        """The ratings of one step."""
        rows, data = self._order.rows(epoch, step), self.data
        return {
            "users": torch.from_numpy(data.users[rows].astype(np.int64)),
            "items": torch.from_numpy(data.items[rows].astype(np.int64)),
            "ratings": torch.from_numpy(data.ratings[rows]),
        }


class LanedBatches:
    """Ratings in an order that two threads can follow without waiting for each other.

    A draw halves people and films. First each half of the people rates one half of the films,
    then the other: until films change sides, at `turn`, and again from there, ratings of the
    two halves share neither a person nor a film (Gemulla et al., 'Large-scale matrix
    factorization with distributed stochastic gradient descent', KDD 2011). They take turns
    in proportion to how many each has.

    A batch has `users`, `items` int32, `ratings` float32 and `lanes` uint8, the half of the
    people, each `[b]`. All are drawn once, for all epochs: a new order in each would take as long
    as half the steps of a small model, and gains nothing.

    Args:
        data: Training ratings.
        batch_size: Ratings a batch.
        seed: Of halves and order.
    """

    def __init__(self, data: Interactions, *, batch_size: int, seed: int) -> None:
        random = stream(seed, _LANES, 0)
        halves = (random.permutation(data.n_users) % 2).astype(bool)
        sides = (random.permutation(data.n_items) % 2).astype(bool)
        own = halves[data.users]
        later = own != sides[data.items]
        order = random.permutation(len(data))
        order = order[np.argsort(later[order], kind="stable")]
        self.turn = len(data) - int(later.sum())
        parts = (order[: self.turn], order[self.turn :])
        order = np.concatenate([_alternating(rows[~own[rows]], rows[own[rows]]) for rows in parts])
        self.per_batch, self._count = batch_size, math.ceil(len(data) / batch_size)
        self._all = {
            "users": torch.from_numpy(data.users[order]),
            "items": torch.from_numpy(data.items[order]),
            "ratings": torch.from_numpy(data.ratings[order]),
            "lanes": torch.from_numpy(own[order].view(np.uint8)),
        }

    def __len__(self) -> int:
        return self._count

    def batch(self, epoch: int, step: int) -> Batch:
        """The ratings of one step."""
        return self.span(epoch, step, 1)

    def span(self, epoch: int, step: int, steps: int) -> Batch:
        """The batches of so many steps, one below the other."""
        del epoch  # all are alike
        start, stop = step * self.per_batch, (step + steps) * self.per_batch
        return {name: column[start:stop] for name, column in self._all.items()}


def _alternating(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both in one order: wherever it is cut, each has had its share but for one."""
    merged = np.empty(len(one) + len(other), np.int64)
    ours = np.zeros(len(merged), bool)
    ours[np.arange(1, len(one) + 1) * len(merged) // max(len(one), 1) - 1] = True
    merged[ours], merged[~ours] = one, other
    return merged


class SampledBatches:
    """Rated films next to fresh unrated ones of the same person.

    A batch has `users` `[P]` int64 and `items` `[P, 1 + negatives]` int64, whose first
    column was rated and whose others were not.

    Args:
        data: Ratings; every pair counts as a positive.
        negatives: Unrated films drawn for each positive, anew in each epoch.
        batch_size: Examples a batch, negatives included, so P = batch_size / (1 + negatives).
        seed: Of the order and of the negatives.
        known: Ratings whose films are no negatives; by default `data`.
    """

    def __init__(
        self,
        data: Interactions,
        *,
        negatives: int,
        batch_size: int,
        seed: int,
        known: Interactions | None = None,
    ) -> None:
        self.data, self.negatives, self.seed = data, negatives, seed
        self._order = ShuffledByPeople(data, max(batch_size // (1 + negatives), 1), seed)
        self._sampler = NegativeSampler(data if known is None else known)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def per_batch(self) -> int:
        """Positives of a batch; the last one of an epoch may have fewer."""
        return self._order.per_batch

    def batch(self, epoch: int, step: int) -> Batch:
        """The positives of one step and their negatives."""
        return self.span(epoch, step, 1)

    def span(self, epoch: int, step: int, steps: int, draw: Draw | None = None) -> Batch:
        """The batches of so many steps, one below the other.

        The negatives are a function of (seed, epoch, positive), whatever the batch and whatever
        draws them.
        """
        rows = self._order.rows(epoch, step, steps)
        users = self.data.users[rows]
        key = int(stream(self.seed, _NEGATIVES, epoch).integers(2**64, dtype=np.uint64))
        drawn = draw(self._sampler, users, rows, self.negatives, key) if draw else None
        items = np.empty((len(rows), 1 + self.negatives), dtype=np.int64)
        items[:, 0] = self.data.items[rows]
        items[:, 1:] = self._drawn(users, rows, key) if drawn is None else drawn
        return {
            "users": torch.from_numpy(users.astype(np.int64)),
            "items": torch.from_numpy(items),
        }

    def _drawn(
        self, users: NDArray[np.int32], rows: NDArray[np.int64], key: int
    ) -> NDArray[np.int32]:
        places = rows[:, None] * self.negatives + np.arange(self.negatives)
        many = np.repeat(users, self.negatives)
        return self._sampler.sample(many, places.ravel(), key).reshape(places.shape)


class HalvedBatches:
    """People's ratings, of each of which it is said whether the model is shown it.

    A batch has `people` `[b]` int64; `rows` `[n]` int64, ascending from 0, which of them each
    rating is of; `items` `[n]` int64; and `shown` `[n]` bool. Of each person a share is shown
    that is drawn anew in each epoch, from nothing to everything, so that a model learns to serve
    newcomers as well.

    Args:
        data: Training ratings.
        batch_size: People a batch.
        seed: Of the order and of what is shown.
    """

    def __init__(self, data: Interactions, *, batch_size: int, seed: int) -> None:
        self.data, self.seed = data, seed
        self._order = Shuffled(len(data.active_users), batch_size, seed)

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, step: int) -> Batch:
        """The people of one step."""
        people = self.data.queries(self.data.active_users[self._order.rows(epoch, step)])
        random = stream(self.seed, _SHOWN, epoch, step)
        shares = random.random(len(people))[people.rows.numpy()]
        shown = random.random(len(people.items)) < shares
        return {
            "people": people.users,
            "rows": people.rows,
            "items": people.items,
            "shown": torch.from_numpy(shown),
        }


class PeopleBatches:
    """People: what is shown of them, and what is wanted of the model.

    A batch has `people` `[b]` int64; `rows` `[n]` int64, ascending from 0, which of them each film
    is shown of, and `items` `[n]` int64; and alike `wanted_rows` and `wanted` `[m]`.

    Args:
        data: What is wanted; everyone with a rating in it takes part.
        batch_size: People a batch.
        seed: Of the order.
        shown: The same people's ratings that are shown; by default `data`.
    """

    def __init__(
        self,
        data: Interactions,
        *,
        batch_size: int,
        seed: int,
        shown: Interactions | None = None,
    ) -> None:
        self.data, self.shown = data, data if shown is None else shown
        self._order = Shuffled(len(data.active_users), batch_size, seed)

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, step: int) -> Batch:
        """The people of one step."""
        people = self.data.active_users[self._order.rows(epoch, step)]
        wanted = shown = _films(self.data, people)
        if self.shown is not self.data:
            shown = _films(self.shown, people)
        named = zip(("rows", "items", "wanted_rows", "wanted"), (*shown, *wanted), strict=True)
        return {"people": torch.from_numpy(people.astype(np.int64)), **dict(named)}


def _films(data: Interactions, people: NDArray[np.integer]) -> tuple[Tensor, Tensor]:
    """Which of some people each of their films is of, and the films: `[n]` int64 each."""
    offsets, entries = data.histories(people)
    rows = np.repeat(np.arange(len(people)), np.diff(offsets))
    return torch.from_numpy(rows), torch.from_numpy(data.items[entries].astype(np.int64))


class SequenceBatches:
    """What people rated, in order, and which places of it are asked about.

    A batch has `items` `[b, l]` int64, padded at the end with the number of films; `asked`
    `[b, l]` bool, the places whose film is to be foretold; and, where wanted, `times` `[b, l]`
    int64, padded with anything.

    A person of more than `length` ratings shows a window of them, another one in each
    epoch. Nothing is shown twice for being a prefix of something: a model that reads from
    left to right is asked about all places of a row at once. One that reads both ways is
    asked about a share of them, drawn anew in each epoch, one at least.

    Args:
        data: Training ratings.
        length: Ratings of a person shown at most.
        batch_size: People a batch.
        seed: Of the order, the windows and what is asked.
        asked: Share of the places that are asked about.
        timed: Whether the times are wanted.
    """

    def __init__(
        self,
        data: Interactions,
        *,
        length: int,
        batch_size: int,
        seed: int,
        asked: float = 1.0,
        timed: bool = False,
    ) -> None:
        self.data, self.length, self.seed = data, length, seed
        self.asked, self.timed = asked, timed
        self._people = data.active_users
        self._order = Shuffled(len(self._people), batch_size, seed)

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, step: int) -> Batch:
        """The sequences of one step."""
        people = self._people[self._order.rows(epoch, step)]
        starts, stops = self.data.offsets[people], self.data.offsets[people + 1]
        room = np.maximum(stops - starts - self.length, 0)
        random = stream(self.seed, _WINDOWS, epoch, step)
        starts = starts + (random.random(len(people)) * (room + 1)).astype(np.int64)
        counts = np.minimum(stops - starts, self.length)
        places = np.arange(int(counts.max()))
        inside = places < counts[:, None]
        entries = np.where(inside, starts[:, None] + places, 0)
        items = np.where(inside, self.data.items[entries], self.data.n_items)
        batch = {
            "items": torch.from_numpy(items.astype(np.int64)),
            "asked": torch.from_numpy(self._drawn(inside, epoch, step)),
        }
        return batch | ({"times": torch.from_numpy(self.data.times[entries])} if self.timed else {})

    def _drawn(self, inside: NDArray[np.bool_], epoch: int, step: int) -> NDArray[np.bool_]:
        """Of the places inside each row its share, and the one of the smallest draw at least."""
        if self.asked == 1:
            return inside
        draws = stream(self.seed, _SHOWN, epoch, step).random(inside.shape)
        draws[~inside] = 1.0
        return (draws < self.asked) | (draws == draws.min(1, keepdims=True))
