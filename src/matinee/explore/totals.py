"""Counts and means of each person and film, computed once for all sections."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """What the sections share.

    Attributes:
        data: The data set, with at least one rating.
    """

    data: Interactions

    @cached_property
    def of_people(self) -> LongArray:
        """Number of ratings of each person, `[n_users]`."""
        return np.diff(self.data.offsets)

    @property
    def of_films(self) -> LongArray:
        """Number of ratings of each film, `[n_items]`."""
        return self.data.item_counts

    @cached_property
    def rated(self) -> LongArray:
        """Films with ratings, ascending."""
        return np.flatnonzero(self.of_films)

    @cached_property
    def mean(self) -> float:
        """The mean rating."""
        return float(self.data.ratings.mean(dtype=np.float64))

    @cached_property
    def person_means(self) -> Floats:
        """Mean rating of each person, `[n_users]`; 0 without ratings."""
        return means(self.data.users, self.data.ratings, self.of_people)

    @cached_property
    def film_means(self) -> Floats:
        """Mean rating of each film, `[n_items]`; 0 without ratings."""
        return means(self.data.items, self.data.ratings, self.of_films)


def means(groups: NDArray[np.integer], values: NDArray[np.floating], counts: LongArray) -> Floats:
    """Mean value of each group, 0 for empty ones; `counts` are the groups' sizes."""
    return np.bincount(groups, values, minlength=len(counts)) / np.maximum(counts, 1)
