"""The data set of a run and the ratings of the database as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.interactions import Interactions
from matinee.data.vocabulary import BoolArray, FloatArray, LongArray, Vocabulary


@dataclass(frozen=True)
class Joined:
    """Ratings of both.

    Attributes:
        data: The ratings, over the films of the data set and the people of both.
        given: `[n]` which of them are from the database.
        unknown: Ids of films that were rated in the database but are not in the data set,
            in alphabetical order. Their ratings are left out.
        left_out: How many ratings that are.
    """

    data: Interactions
    given: BoolArray
    unknown: tuple[str, ...]
    left_out: int


def join(base: Interactions, ratings: pl.DataFrame, *, at_least: float | None = None) -> Joined:
    """Add the database's ratings to a data set.

    People are matched by their outside ids. Of two ratings of a film the newer counts, and
    of two of one second the database's. Ratings are brought onto the scale of the data set:
    to the nearest that can be given there, or 1 where it knows no ratings.

    Args:
        base: The data set, without the ratings below `at_least`.
        ratings: As `Store.all_ratings` gives them.
        at_least: Ratings below this count as none.
    """
    ratings = ratings.sort("time", maintain_order=True)
    places = [base.catalogue.ids.find(item) for item in ratings["item"]]
    ratings = ratings.with_columns(film=pl.Series(places, dtype=pl.Int32))
    known = ratings.drop_nulls("film")
    unknown = tuple(sorted(set(ratings["item"]) - set(known["item"])))
    stars = known["rating"].to_numpy()
    user_ids = _people(base, known["user"])
    users = np.concatenate([base.users, user_ids.encode(known["user"])])
    items = np.concatenate([base.items, known["film"].to_numpy()])
    times = np.concatenate([base.times, known["time"].to_numpy()])
    values = np.concatenate([base.ratings, on_scale(stars, base)])
    keys = users.astype(np.int64) * base.n_items + items
    counted = np.ones(len(base), np.bool_)
    counted = np.concatenate([counted, stars >= (-np.inf if at_least is None else at_least)])
    newest = _newest(keys, times)
    kept = newest[counted[newest]]
    data = Interactions.build(
        users[kept],
        items[kept],
        values[kept] if base.explicit else None,
        times[kept] if base.timed else None,
        user_ids=user_ids,
        catalogue=base.catalogue,
        people=_table(base.people, user_ids),
    )
    given = np.isin(pairs(data), keys[kept[kept >= len(base)]])
    return Joined(data, given, unknown, ratings.height - known.height)


def pairs(data: Interactions) -> LongArray:
    """One number for each pair of person and film."""
    return data.users.astype(np.int64) * data.n_items + data.items


def on_scale(stars: NDArray[np.floating], base: Interactions) -> FloatArray:
    """The nearest ratings that can be given in a data set; halves go up."""
    if not base.explicit:
        return np.ones(len(stars), np.float32)
    scale = base.scale
    steps = np.floor((stars - scale.low) / scale.step + 0.5)
    return np.clip(scale.low + steps * scale.step, scale.low, scale.high).astype(np.float32)


def _people(base: Interactions, users: pl.Series) -> Vocabulary:
    """The people of the data set, then the others in the order of their ids."""
    others = sorted(set(users) - set(base.user_ids))
    return Vocabulary([*base.user_ids, *others], sort="person")


def _table(people: pl.DataFrame | None, user_ids: Vocabulary) -> pl.DataFrame | None:
    """The table of people with a row for everyone; nothing is known of the new ones."""
    if people is None:
        return None
    others = pl.DataFrame({"id": list(user_ids)[people.height :]}, schema={"id": pl.String})
    return pl.concat([people, others], how="diagonal")


def _newest(keys: LongArray, times: LongArray) -> LongArray:
    """The places of the last rating of each pair by time, of equals the later, ascending."""
    order = np.lexsort((times, keys))
    last = np.append(keys[order][1:] != keys[order][:-1], True)
    return np.sort(order[last])
