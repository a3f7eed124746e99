"""Who rated what, how, and when: the one in-memory form of a data set."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from matinee.data.catalogue import Catalogue
from matinee.data.features import Fields, item_fields, user_fields
from matinee.data.ordering import sort_rows
from matinee.data.queries import Queries
from matinee.data.vocabulary import FloatArray, IntArray, LongArray, Numbers, Vocabulary
from matinee.errors import DataError

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class Scale:
    """The scale ratings are given on.

    Attributes:
        low: Smallest rating.
        high: Largest rating.
        step: Distance of neighbouring ratings.
    """

    low: float
    high: float
    step: float

    @property
    def levels(self) -> list[float]:
        """Every rating that can be given, ascending."""
        count = round((self.high - self.low) / self.step) + 1
        return [self.low + i * self.step for i in range(count)]


@dataclass(frozen=True)
class Interactions:
    """Ratings as flat read-only arrays, sorted by (user, time), ties in the order given.

    Attributes:
        users: `[n]` int32, ascending.
        items: `[n]` int32.
        ratings: `[n]` float32; all 1 where `explicit` is False.
        times: `[n]` int64 Unix seconds; all 0 where `timed` is False.
        user_ids: The people's outside ids; people without ratings may be among them.
        catalogue: The films; films without ratings may be among them.
        people: One row a person in the order of `user_ids`, with an `id` column and free
            columns (age, gender, ...), or None.
        explicit: Whether ratings were given.
        timed: Whether times were given.
    """

    users: IntArray
    items: IntArray
    ratings: FloatArray
    times: LongArray
    user_ids: Vocabulary
    catalogue: Catalogue
    people: pl.DataFrame | None = None
    explicit: bool = True
    timed: bool = True

    @classmethod
    def build(
        cls,
        users: ArrayLike,
        items: ArrayLike,
        ratings: ArrayLike | None = None,
        times: ArrayLike | None = None,
        *,
        user_ids: Vocabulary | None = None,
        catalogue: Catalogue | None = None,
        people: pl.DataFrame | None = None,
    ) -> Self:
        """Sort, freeze and check arrays of equal length.

        Args:
            users: User integers.
            items: Film integers.
            ratings: Ratings, or None where there are none (then `explicit` is False).
            times: Unix seconds, or None where there are none (then `timed` is False).
            user_ids: Outside ids of the people; by default their integers as text.
            catalogue: The films; by default just their integers as text.
            people: The user table.

        Raises:
            DataError: On unequal lengths or integers outside the vocabularies.
        """
        u, i = np.asarray(users, dtype=np.int32), np.asarray(items, dtype=np.int32)
        r = np.ones(len(u), np.float32) if ratings is None else np.asarray(ratings, np.float32)
        t = np.zeros(len(u), np.int64) if times is None else np.asarray(times, np.int64)
        if not len(u) == len(i) == len(r) == len(t):
            raise DataError("users, items, ratings and times differ in length")
        user_ids = user_ids or Numbers(_count(u), sort="person")
        catalogue = catalogue or Catalogue.numbered(_count(i))
        _check_range(u, len(user_ids), "user")
        _check_range(i, len(catalogue), "item")
        u, t, i, r = sort_rows(u, t, i, r)
        for array in (u, i, r, t):
            array.flags.writeable = False
        return cls(u, i, r, t, user_ids, catalogue, people, ratings is not None, times is not None)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        """Number of people, with or without ratings."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Number of films, with or without ratings."""
        return len(self.catalogue)

    @cached_property
    def offsets(self) -> LongArray:
        """User `u`'s ratings are rows `offsets[u]:offsets[u + 1]`; `[n_users + 1]`."""
        return np.searchsorted(self.users, np.arange(self.n_users + 1)).astype(np.int64)

    @cached_property
    def item_counts(self) -> LongArray:
        """Number of ratings of each film, `[n_items]`."""
        return np.bincount(self.items, minlength=self.n_items)

    @cached_property
    def active_users(self) -> LongArray:
        """Users with at least one rating, ascending."""
        return np.flatnonzero(np.diff(self.offsets))

    @cached_property
    def item_fields(self) -> Fields:
        """What is known of the films: a matrix `[n_items, n_values]` for each field."""
        return item_fields(self.catalogue)

    @cached_property
    def user_fields(self) -> Fields:
        """What is known of the people: a matrix `[n_users, n_values]` for each field."""
        return user_fields(self.people)

    @cached_property
    def scale(self) -> Scale:
        """The rating scale as far as the ratings show it; (1, 1, 1) without ratings."""
        levels = np.unique(self.ratings)
        if len(levels) < 2:
            only = float(levels[0]) if len(levels) else 1.0
            return Scale(only, only, 1.0)
        return Scale(float(levels[0]), float(levels[-1]), float(np.diff(levels).min()))

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Some of the ratings, same people and films; `rows` is a mask or ascending indices."""
        picked = [a[rows] for a in (self.users, self.items, self.ratings, self.times)]
        for array in picked:
            array.flags.writeable = False
        return replace(self, users=picked[0], items=picked[1], ratings=picked[2], times=picked[3])

    def narrowed(
        self,
        *,
        ordered: bool = False,
        at_least: float | None = None,
        user_ratings: int | None = None,
        film_ratings: int | None = None,
    ) -> Self:
        """What of the data is learned from, one step after the other.

        Args:
            ordered: Whether to take them as they are `in_order`.
            at_least: See `liked`; None keeps all ratings.
            user_ratings: See `of_active`; None keeps everyone.
            film_ratings: See `well_rated`; None keeps all films.
        """
        data = self.in_order() if ordered else self
        data = data if at_least is None else data.liked(at_least)
        data = data if user_ratings is None else data.of_active(user_ratings)
        return data if film_ratings is None else data.well_rated(film_ratings)

    def liked(self, at_least: float) -> Self:
        """Only the ratings of `at_least` or more.

        Raises:
            DataError: If there are none.
        """
        kept = self.take(self.ratings >= at_least)
        if not len(kept):
            raise DataError(
                f"no rating is {at_least:g} or more",
                expected=f"a threshold up to {self.scale.high:g}",
            )
        return kept

    def well_rated(self, at_least: int) -> Self:
        """Only films of `at_least` ratings or more, numbered anew in the same order.

        People stay, also those who have no rating left.

        Raises:
            DataError: If there are none.
        """
        kept = self.item_counts >= at_least
        if not kept.any():
            raise DataError(
                f"no film has {at_least} ratings or more",
                expected=f"a number up to {self.item_counts.max(initial=0)}",
            )
        numbers = np.cumsum(kept, dtype=np.int32) - 1
        ratings = self.take(kept[self.items])
        items = numbers[ratings.items]
        items.flags.writeable = False
        return replace(ratings, items=items, catalogue=Catalogue(self.catalogue.frame.filter(kept)))

    def in_order(self) -> Self:
        """The same, timed by the order in which each person's ratings were given: 0, 1, 2, ...

        Raises:
            DataError: If they have times.
        """
        if self.timed:
            raise DataError("these ratings have times, which say their order")
        times = np.arange(len(self)) - self.offsets[self.users.astype(np.int64)]
        times.flags.writeable = False
        return replace(self, times=times, timed=True)

    def of_active(self, at_least: int) -> Self:
        """Only the ratings of people who have `at_least` of them or more.

        Raises:
            DataError: If there is nobody.
        """
        lengths = np.diff(self.offsets)
        kept = self.take((lengths >= at_least)[self.users])
        if not len(kept):
            raise DataError(
                f"nobody has {at_least} ratings or more",
                expected=f"a number up to {lengths.max(initial=0)}",
            )
        return kept

    def fading(self, half_life: float) -> NDArray[np.float64]:
        """What each rating still weighs, seen from the last one: half after every `half_life` days.

        Returns:
            `[n]`, above 0 to 1.

        Raises:
            DataError: If there are no times.
        """
        if not self.timed:
            raise DataError(
                "these ratings have no times, so they cannot fade",
                remedy="Leave half_life unset.",
            )
        days = (self.times.max(initial=0) - self.times) / SECONDS_A_DAY
        return 0.5 ** (days / half_life)

    def merge(self, other: Self) -> Self:
        """These ratings and those of `other` (same people and films), in order again."""
        columns = (
            np.concatenate([getattr(self, c), getattr(other, c)])
            for c in ("users", "items", "ratings", "times")
        )
        u, i, r, t = columns
        built = self.build(u, i, r, t, user_ids=self.user_ids, catalogue=self.catalogue)
        return replace(built, people=self.people, explicit=self.explicit, timed=self.timed)

    def matrix(self, values: NDArray[np.floating] | None = None) -> csr_array:
        """A sparse matrix `[n_users, n_items]`; entries are `values` `[n]`, 1 by default."""
        values = np.ones(len(self), np.float32) if values is None else values
        return csr_array(
            (values, self.items, self.offsets), shape=(self.n_users, self.n_items), copy=True
        )

    def queries(self, users: NDArray[np.integer] | None = None) -> Queries:
        """The people as askers, with all these ratings as their histories.

        Args:
            users: `[B]` user integers; everyone by default.
        """
        users = np.arange(self.n_users) if users is None else np.asarray(users)
        offsets, entries = self.histories(users)
        return Queries(
            users=torch.from_numpy(users.astype(np.int64)),
            offsets=torch.from_numpy(offsets),
            items=torch.from_numpy(self.items[entries].astype(np.int64)),
            ratings=torch.from_numpy(self.ratings[entries]),
            times=torch.from_numpy(self.times[entries]),
            at=torch.zeros(len(users), dtype=torch.int64),
        )

    def histories(self, users: NDArray[np.integer]) -> tuple[LongArray, LongArray]:
        """Where some people's ratings are, one person after the other.

        Args:
            users: `[B]` user integers.

        Returns:
            `[B + 1]` where each person's begin, and `[n]` which ratings they are: those of
            person `b` are `entries[offsets[b]:offsets[b + 1]]`.
        """
        starts, lengths = self.offsets[users], np.diff(self.offsets)[users]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
        return offsets.astype(np.int64), entries.astype(np.int64)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, users, items, ratings and times: names the data exactly."""
        sha = hashlib.sha256()
        for ids in (self.user_ids, self.catalogue.ids):
            sha.update("\x00".join(ids).encode())
            sha.update(b"\x01")
        for array in (self.users, self.items, self.ratings, self.times):
            sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()


def dense(matrix: Any) -> NDArray[np.float32]:
    """A sparse matrix, such as a product of two, as an array."""
    return matrix.toarray()


def _count(indices: IntArray) -> int:
    return int(indices.max(initial=-1)) + 1


def _check_range(indices: IntArray, size: int, name: str) -> None:
    if len(indices) and not (0 <= int(indices.min()) and int(indices.max()) < size):
        raise DataError(f"a {name} integer lies outside 0..{size - 1}")
