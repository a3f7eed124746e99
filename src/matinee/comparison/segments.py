"""Who and what the figures are made of: light and heavy users, popular, rare and new films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from matinee.data.vocabulary import BoolArray, LongArray
from matinee.evaluation import Estimate, evaluate
from matinee.exhibits.words import count
from matinee.experiment import like_at
from matinee.models import Recommender
from matinee.splits import Split, asking_only

NEW = 5
"""A film with fewer training ratings is new: collaborative models know next to nothing of it."""

HEAD = 0.5
"""The popular films are the most-rated ones that have this share of the training ratings."""


@dataclass(frozen=True)
class Segment:
    """A part of the held-out ratings.

    Attributes:
        name: What it is called.
        of: Whether it is told by the user or by the film.
        about: What is in it, in words.
        kept: Whether each held-out rating is in it.
    """

    name: str
    of: Literal["users", "films"]
    about: str
    kept: BoolArray


def segments(split: Split) -> list[Segment]:
    """The segments of a test part in which there is something to find."""
    found = [*_by_user(split), *_by_film(split)]
    return [segment for segment in found if segment.kept.any()]


def _by_user(split: Split) -> list[Segment]:
    """Thirds of the users by the number of their known ratings."""
    fold = split.test
    known = np.diff(fold.history.offsets)
    few, many = np.quantile(known[fold.users], [1 / 3, 2 / 3], method="lower")
    each = known[fold.held_out.users]
    told = [count(float(bound), "rating", "ratings") for bound in (few, many)]
    return [
        Segment("light users", "users", f"at most {told[0]}", each <= few),
        Segment("middling users", "users", "between the others", (each > few) & (each <= many)),
        Segment("heavy users", "users", f"more than {told[1]}", each > many),
    ]


def _by_film(split: Split) -> list[Segment]:
    counts = split.train.item_counts
    popular = head(counts)
    new = counts < NEW
    films = split.test.held_out.items
    most = f"{count(int(popular.sum()), 'film', 'films')} with half of the training ratings"
    return [
        Segment("popular films", "films", most, popular[films]),
        Segment("rare films", "films", "all others", ~(popular | new)[films]),
        Segment("new films", "films", f"fewer than {NEW} training ratings", new[films]),
    ]


def head(counts: LongArray) -> BoolArray:
    """The fewest films `[n_items]` that have `HEAD` of all ratings, and no new one."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    popular = np.zeros(len(counts), np.bool_)
    popular[order[before < HEAD * counts.sum()]] = True
    return popular & (counts >= NEW)


def by_segment(
    model: Recommender, split: Split, parts: Sequence[Segment], metrics: Sequence[str]
) -> dict[str, Mapping[str, Estimate]]:
    """Figures of each segment by its name: the other held-out ratings are not asked for."""
    return {
        part.name: evaluate(
            model,
            asking_only(split.test, part.kept),
            train=split.train,
            metrics=metrics,
            like_at=like_at(model),
        ).metrics
        for part in parts
    }
