"""Lists for several people who ask at the same time, scored in one call of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor

from matinee.artefact import Artefact
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray
from matinee.errors import ConfigError, MatineeError
from matinee.models.asking import asking
from matinee.models.base import RatingPredictor
from matinee.recommendation.ask import Ask
from matinee.recommendation.because import reasons
from matinee.recommendation.best import Best, Wish, best
from matinee.recommendation.diversity import diversify, film_vectors
from matinee.recommendation.filters import allowed
from matinee.recommendation.person import asker, liked
from matinee.recommendation.types import Recommendations, Recommended


@dataclass(frozen=True, slots=True)
class _Asked:
    """An `Ask` in terms of the run."""

    ask: Ask
    queries: Queries
    wish: Wish


def recommend_batch(
    artefact: Artefact, asks: Sequence[Ask], reach: float = 1.0
) -> list[Recommendations | MatineeError]:
    """Lists for everyone who asks; see `recommend`, which is the case of one.

    Args:
        artefact: The run.
        asks: What each asks.
        reach: How near films are reckoned to be, see `matinee.recommendation.reach`; by default
            lists are exact.

    Returns:
        A list for each, in order, or what is wrong with what was asked. One that cannot be
        answered does not keep the others from theirs.
    """
    answers: list[Recommendations | MatineeError | None] = [None] * len(asks)
    good: list[tuple[int, _Asked]] = []
    for place, ask in enumerate(asks):
        try:
            good.append((place, _asked(artefact, ask)))
        except MatineeError as error:
            answers[place] = error
    lists = _each([asked for _, asked in good], artefact, reach) if good else []
    for (place, _), answer in zip(good, lists, strict=True):
        answers[place] = answer
    return [answer for answer in answers if answer is not None]


def predict(artefact: Artefact, ask: Ask, items: Sequence[str]) -> dict[str, float]:
    """Expected stars of films for one who asks, by outside id.

    Args:
        artefact: A run whose model predicts stars.
        ask: Who asks.
        items: Outside ids.

    Returns:
        Nothing, if nothing is known of who asks.

    Raises:
        UnknownName: If there is no film of one of the ids.
    """
    model = artefact.model
    assert isinstance(model, RatingPredictor)
    queries = asker(artefact, ask)
    if not items or not len(queries.items):
        return {}
    films = torch.from_numpy(artefact.catalogue.ids.encode(items)).to(artefact.model.device)
    with asking(artefact.model):
        stars = model.predict(queries.to(artefact.model.device), films)
    return dict(zip(items, stars[0].tolist(), strict=True))


def films(
    artefact: Artefact,
    items: Sequence[int],
    scores: Sequence[float],
    stars: Sequence[float] | None = None,
) -> list[Recommended]:
    """K film integers, their scores and expected stars, as they are shown."""
    told = repeat(None) if stars is None else stars
    rows = artefact.catalogue.rows
    return [
        Recommended(*rows[film], score=score, stars=star)
        for film, score, star in zip(items, scores, told, strict=False)
    ]


def check_length(k: int) -> None:
    """Refuse lists of no length.

    Raises:
        ConfigError: Naming the option.
    """
    if k < 1:
        raise ConfigError(f"a list of {k} films cannot be made", where="-k", expected="1 or more")


def _asked(artefact: Artefact, ask: Ask) -> _Asked:
    check_length(ask.k)
    if not 0 <= ask.diversity <= 1:
        raise ConfigError(
            f"diversity = {ask.diversity:g} cannot be used", where="--diversity", expected="0 to 1"
        )
    queries = asker(artefact, ask)
    passing = None
    if ask.genres or ask.tags or ask.years is not None:
        passing = allowed(artefact.catalogue, genres=ask.genres, years=ask.years, tags=ask.tags)
    if ask.only is not None:
        passing = _among(artefact, ask.only, passing)
    excluded = [artefact.titles.find(title) for title in ask.exclude]
    hidden = [artefact.catalogue.ids.find(item) for item in ask.hidden]
    barred = queries.items
    if further := [*excluded, *(film for film in hidden if film is not None)]:
        barred = torch.cat([barred, torch.tensor(further)])
    pool = max(10 * ask.k, 100) if ask.diversity else ask.k
    return _Asked(ask, queries, Wish(pool, barred, passing))


def _among(artefact: Artefact, only: Sequence[str], passing: BoolArray | None) -> BoolArray:
    places = [place for item in only if (place := artefact.catalogue.ids.find(item)) is not None]
    mask = np.zeros(len(artefact.catalogue), np.bool_)
    mask[places] = True
    return mask if passing is None else mask & passing


def _each(
    asked: list[_Asked], artefact: Artefact, reach: float
) -> list[Recommendations | MatineeError]:
    """The lists of a block; if the model fails one person, each is asked alone."""
    try:
        return list(_answers(artefact, asked, reach))
    except MatineeError as error:
        if len(asked) == 1:
            return [error]
        return [answer for one in asked for answer in _each([one], artefact, reach)]


def _answers(artefact: Artefact, asked: list[_Asked], reach: float) -> list[Recommendations]:
    queries = Queries.join([one.queries for one in asked])
    with asking(artefact.model):
        picked = _picked(artefact, asked, queries, reach)
        stars = _stars(artefact, queries, picked)
        lists = [
            films(artefact, pick.items, pick.scores, told)
            for pick, told in zip(picked, stars, strict=True)
        ]
        for place, one in enumerate(asked):
            if one.ask.because:
                lists[place] = _with_reasons(artefact, one.queries, picked[place], lists[place])
    return [
        Recommendations(artefact.run, artefact.name, pick.fallback, tuple(listed))
        for pick, listed in zip(picked, lists, strict=True)
    ]


def _picked(artefact: Artefact, asked: list[_Asked], queries: Queries, reach: float) -> list[Best]:
    found = best(artefact, queries, [one.wish for one in asked], reach)
    return [
        _varied(artefact, pick, one.ask) if one.ask.diversity else pick
        for pick, one in zip(found, asked, strict=True)
    ]


def _varied(artefact: Artefact, pick: Best, ask: Ask) -> Best:
    vectors = film_vectors(artefact)[0][pick.items]
    places = diversify(np.asarray(pick.scores, np.float32), vectors, ask.k, ask.diversity)
    items, scores = [pick.items[p] for p in places], [pick.scores[p] for p in places]
    return replace(pick, items=items, scores=scores)


def _stars(artefact: Artefact, queries: Queries, picked: list[Best]) -> list[list[float] | None]:
    """Expected stars of the films of each list, where the model predicts them."""
    stars: list[list[float] | None] = [None] * len(picked)
    model = artefact.model
    rows = [row for row, pick in enumerate(picked) if len(pick.items) and not pick.fallback]
    if not isinstance(model, RatingPredictor) or not rows:
        return stars
    # Padded, since the lists may be of unequal length.
    told = model.stars(_padded([picked[row].scores for row in rows]).to(model.device))
    if told is None:
        people = queries if len(rows) == len(queries) else queries.take(torch.tensor(rows))
        items = _padded([picked[row].items for row in rows]).to(model.device)
        told = model.predict(people.to(model.device), items)
    for row, values in zip(rows, told.tolist(), strict=True):
        stars[row] = values[: len(picked[row].items)]
    return stars


def _padded(rows: list[list[Any]]) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


def _with_reasons(
    artefact: Artefact, queries: Queries, pick: Best, listed: list[Recommended]
) -> list[Recommended]:
    if pick.fallback or not listed:
        return [replace(film, because=()) for film in listed]
    told = reasons(
        artefact.model,
        queries,
        torch.tensor(pick.items),
        liked(artefact, queries),
        artefact.catalogue.titles,
    )
    return [replace(film, because=why) for film, why in zip(listed, told, strict=True)]
