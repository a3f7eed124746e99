"""Who is asking: a known person, someone who names films, or nobody in particular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from matinee.artefact import Artefact
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.errors import DataError
from matinee.recommendation.ask import Ask, Rated

Entries = dict[int, tuple[float, int]]
"""Rating and time by film integer, oldest first."""


def asker(artefact: Artefact, ask: Ask) -> Queries:
    """The one person asking, with all that is known of them.

    A known person of whom nothing new is known is asked by name, so that the model may use
    what it has learned of them - unless it has learned nothing, because all their ratings
    were held back from the training. What is known in addition is joined to the history,
    and the person is then asked as a stranger: only so does a model that has learned people
    by name hear it. Of two ratings of a film the newer counts; what is said in asking is
    newest and stands last.

    Args:
        artefact: The run.
        ask: Of which `user`, `likes`, `ratings` and `history` matter here.

    Raises:
        UnknownName: On a title no film has.
        AmbiguousTitle: On one that several films have.
        DataError: On a rating off the scale of the data.
    """
    history = artefact.history
    index = None if ask.user is None else history.user_ids.find(ask.user)
    said = _said(artefact, ask.likes, ask.ratings)
    recorded = _recorded(artefact, ask.history)
    if index is None:
        return _stranger(artefact, recorded, said)
    known = history.queries(np.asarray([index]))
    if not said and not recorded:
        return known if artefact.user_counts[index] else known.forget_users()
    return _stranger(artefact, _newest(known, recorded), said)


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


def _recorded(artefact: Artefact, history: Sequence[Rated]) -> Entries:
    films = artefact.catalogue.ids.find_all([item for item, _, _ in history])
    return {
        film: (stars, time)
        for film, (_, stars, time) in zip(films, history, strict=True)
        if film is not None
    }


def _newest(known: Queries, recorded: Entries) -> Entries:
    """Training history and record in one, oldest first; of two ratings the newer counts."""
    columns = (known.items.tolist(), known.ratings.tolist(), known.times.tolist())
    entries: Entries = {film: (stars, time) for film, stars, time in zip(*columns, strict=True)}
    for film, (stars, time) in recorded.items():
        if film not in entries or entries[film][1] <= time:
            entries[film] = (stars, time)
    return dict(sorted(entries.items(), key=lambda entry: entry[1][1]))


def _stranger(artefact: Artefact, entries: Entries, said: Mapping[int, float]) -> Queries:
    """A stranger's history, with what was said at its end and as of its latest time."""
    if said:
        now = max((time for _, time in entries.values()), default=0)
        entries = {film: entry for film, entry in entries.items() if film not in said}
        entries |= {film: (stars, now) for film, stars in said.items()}
    data, scale = artefact.facts.data, artefact.facts.data.scale
    stars = np.array([stars for stars, _ in entries.values()], np.float32)
    if data.explicit:
        stars = stars.clip(scale.low, scale.high)
    else:
        stars.fill(1.0)
    columns = (
        np.array([-1]),
        np.array([0, len(entries)]),
        np.array(list(entries), np.int64),
        stars,
        np.array([time for _, time in entries.values()], np.int64),
        np.array([0]),
    )
    return Queries(*map(torch.from_numpy, columns))
