"""What a data set is like, in a few numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import LongArray

SHOWN = 10
"""How many genres and films are named."""


def describe(data: Interactions) -> dict[str, Any]:
    """Sizes, scale, times, activity, genres and the most rated films, as JSON can hold them.

    Returns:
        `people`, `people_active`, `films`, `films_rated`, `ratings`, `density` (ratings per
        pair of active person and rated film), `mean_rating` and `ratings_by_stars` (None
        where there are none), `first` and `last` rating (ISO dates, None where unknown),
        quartiles of `ratings_per_person` and `ratings_per_film`, `genres` by films, and
        `most_rated` films.
    """
    active, counts = len(data.active_users), data.item_counts
    rated = int(np.count_nonzero(counts))
    stars, how_many = np.unique(data.ratings, return_counts=True)
    by_stars = {f"{s:g}": int(n) for s, n in zip(stars, how_many, strict=True)}
    return {
        "people": data.n_users,
        "people_active": active,
        "films": data.n_items,
        "films_rated": rated,
        "ratings": len(data),
        "density": len(data) / (active * rated) if rated else 0.0,
        "mean_rating": float(data.ratings.mean()) if data.explicit and len(data) else None,
        "ratings_by_stars": by_stars if data.explicit else None,
        "first": _date(data.times.min()) if data.timed and len(data) else None,
        "last": _date(data.times.max()) if data.timed and len(data) else None,
        "ratings_per_person": _quartiles(np.diff(data.offsets)),
        "ratings_per_film": _quartiles(counts),
        "genres": _genres(data),
        "most_rated": _most_rated(data),
    }


def _date(seconds: np.integer) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()


def _quartiles(counts: LongArray) -> dict[str, float]:
    """Of those with any."""
    some = counts[counts > 0]
    names = ("least", "lower_quarter", "half", "upper_quarter", "most")
    values = np.quantile(some, (0, 0.25, 0.5, 0.75, 1)) if len(some) else np.zeros(5)
    return dict(zip(names, values.tolist(), strict=True))


def _genres(data: Interactions) -> dict[str, int]:
    sums = data.catalogue.genre_matrix.sum(axis=0)
    order = np.argsort(-sums, kind="stable")[:SHOWN]
    return {data.catalogue.genres[int(i)]: int(sums[i]) for i in order}


def _most_rated(data: Interactions) -> list[dict[str, Any]]:
    order = np.argsort(-data.item_counts, kind="stable")[:SHOWN]
    rows = data.catalogue.frame[order].select("id", "title", "year").to_dicts()
    return [
        {**row, "ratings": int(n)}
        for row, n in zip(rows, data.item_counts[order], strict=True)
        if n
    ]
