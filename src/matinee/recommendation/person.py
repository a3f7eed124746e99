"""Who is asking: a known person, someone who names films, or nobody in particular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.errors import DataError


def asker(
    artefact: Artefact,
    user: str | int | None = None,
    likes: Iterable[str] | None = None,
    ratings: Mapping[str, float] | None = None,
) -> Queries:
    """The one person asking, with all that is known of them.

    A known person who says nothing new is asked by name, so that the model may use what it
    has learned of them - unless it has learned nothing, because all their ratings were held
    back from the training. What is said in addition is appended to the history, a new
    rating replacing an old one, and the person is then asked as a stranger: only so does a
    model that has learned people by name hear it.

    Args:
        artefact: The run.
        user: Outside id; one that is not known adds nothing.
        likes: Titles or ids of liked films; each stands for the highest rating.
        ratings: Stars by title or id; they outweigh a like of the same film.

    Raises:
        UnknownName: On a title no film has.
        AmbiguousTitle: On one that several films have.
        DataError: On a rating off the scale of the data.
    """
    history = artefact.history
    index = None if user is None else history.user_ids.find(str(user))
    said = _said(artefact, likes or (), ratings or {})
    if index is None:
        return Queries.anonymous([list(said)], [list(said.values())])
    known = history.queries(np.asarray([index]))
    if not said:
        return known if artefact.user_counts[index] else known.forget_users()
    return _extended(known, said)


def liked(artefact: Artefact, queries: Queries) -> BoolArray:
    """Which ratings are likes: those above the middle of the scale, all if there is none."""
    scale = artefact.facts.data.scale
    if not artefact.facts.data.explicit or scale.low == scale.high:
        return np.ones(len(queries.items), np.bool_)
    return queries.ratings.numpy() > (scale.low + scale.high) / 2


def _said(
    artefact: Artefact, likes: Iterable[str], ratings: Mapping[str, float]
) -> dict[int, float]:
    data = artefact.facts.data
    find = artefact.titles.find
    said = {find(title): data.scale.high if data.explicit else 1.0 for title in likes}
    for title, stars in ratings.items():
        if not data.explicit:
            raise DataError(
                "this run was learned from events without ratings and knows no stars",
                where=title,
                remedy="Name the film as a like.",
            )
        if not data.scale.low <= stars <= data.scale.high:
            raise DataError(
                f"the rating {stars:g} is off the scale",
                where=title,
                expected=f"{data.scale.low:g} to {data.scale.high:g}",
            )
        said[find(title)] = float(stars)
    return said


def _extended(known: Queries, said: Mapping[int, float]) -> Queries:
    """The history with new ratings at its end, as a stranger's."""
    items = torch.tensor(list(said))
    keep = ~torch.isin(known.items, items)
    times = known.times[keep]
    latest = known.times.max() if len(known.times) else 0
    return Queries(
        users=torch.full((1,), -1),
        offsets=torch.tensor([0, int(keep.sum()) + len(items)]),
        items=torch.cat([known.items[keep], items]),
        ratings=torch.cat([known.ratings[keep], torch.tensor(list(said.values()))]),
        times=torch.cat([times, torch.full((len(items),), int(latest))]),
    )
