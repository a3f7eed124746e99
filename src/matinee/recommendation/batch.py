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
from matinee.models.asking import asking, block_rows
from matinee.models.base import RatingPredictor
from matinee.recommendation.ask import Ask
from matinee.recommendation.because import reasons
from matinee.recommendation.diversity import diversify, film_vectors
from matinee.recommendation.filters import allowed
from matinee.recommendation.person import asker, liked
from matinee.recommendation.scan import Finder
from matinee.recommendation.topk import all_scores, top
from matinee.recommendation.types import Recommendations, Recommended

MOST = 1024
"""Films that an index is asked for at most: beyond, scoring all of them is as good."""
SPARE = 8
"""How many times the films of a list an index is asked for where a wish lets only some pass."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An `Ask` in terms of the run: who asks, which films pass, which must not be listed."""

    ask: Ask
    queries: Queries
    passing: BoolArray | None
    barred: Tensor

    @property
    def pool(self) -> int:
        """How many of the best films the list is picked from."""
        return max(10 * self.ask.k, 100) if self.ask.diversity else self.ask.k

    @property
    def reach(self) -> int:
        """How many films an index must find for enough to be left of them, most likely."""
        return self.pool * (1 if self.passing is None else SPARE) + len(self.barred)


@dataclass(frozen=True, slots=True)
class _Picked:
    """The films of one list, as K integers with K scores."""

    items: list[int]
    values: list[float]
    fallback: bool


def recommend_batch(
    artefact: Artefact, asks: Sequence[Ask], index: Finder | None = None
) -> list[Recommendations | MatineeError]:
    """Lists for everyone who asks; see `recommend`, which is the case of one.

    Args:
        artefact: The run.
        asks: What each asks.
        index: Finds the films to list; by default all films are scored. Who wishes for more
            films than it finds is answered by the scores of all.

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
    step = block_rows(len(artefact.catalogue)) if index is None else max(len(good), 1)
    for start in range(0, len(good), step):
        part = good[start : start + step]
        lists = _each([asked for _, asked in part], artefact, index)
        for (place, _), answer in zip(part, lists, strict=True):
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
    return _Asked(ask, queries, passing, barred)


def _among(artefact: Artefact, only: Sequence[str], passing: BoolArray | None) -> BoolArray:
    places = [place for item in only if (place := artefact.catalogue.ids.find(item)) is not None]
    mask = np.zeros(len(artefact.catalogue), np.bool_)
    mask[places] = True
    return mask if passing is None else mask & passing


def _each(
    asked: list[_Asked], artefact: Artefact, index: Finder | None
) -> list[Recommendations | MatineeError]:
    """The lists of a block; if the model fails one person, each is asked alone."""
    try:
        return list(_answers(artefact, asked, index))
    except MatineeError as error:
        if len(asked) == 1:
            return [error]
        return [answer for one in asked for answer in _each([one], artefact, index)]


def _answers(
    artefact: Artefact, asked: list[_Asked], index: Finder | None
) -> list[Recommendations]:
    queries = Queries.join([one.queries for one in asked])
    with asking(artefact.model):
        picked = _chosen(artefact, asked, queries, index)
        stars = _stars(artefact, queries, picked)
        lists = [
            films(artefact, pick.items, pick.values, told)
            for pick, told in zip(picked, stars, strict=True)
        ]
        for place, one in enumerate(asked):
            if one.ask.because:
                lists[place] = _with_reasons(artefact, one.queries, picked[place], lists[place])
    return [
        Recommendations(artefact.run, artefact.name, pick.fallback, tuple(listed))
        for pick, listed in zip(picked, lists, strict=True)
    ]


def _chosen(
    artefact: Artefact, asked: list[_Asked], queries: Queries, index: Finder | None
) -> list[_Picked]:
    """The films of each list: those the index finds where they are enough, else the best of all."""
    if index is None:
        return _picked(artefact, asked, *_scores(artefact, queries))
    picked = _indexed(artefact, asked, queries, index)
    rest = [row for row in range(len(asked)) if row not in picked]
    step = block_rows(len(artefact.catalogue))
    for rows in (rest[start : start + step] for start in range(0, len(rest), step)):
        scores = _scores(artefact, queries.take(torch.tensor(rows)))
        best = _picked(artefact, [asked[row] for row in rows], *scores)
        picked |= zip(rows, best, strict=True)
    return [picked[row] for row in range(len(asked))]


def _indexed(
    artefact: Artefact, asked: list[_Asked], queries: Queries, index: Finder
) -> dict[int, _Picked]:
    """By row, the films of those lists for which the index finds enough that pass."""
    rows = [row for row, one in enumerate(asked) if len(one.queries.items) and one.reach <= MOST]
    if not rows:
        return {}
    reach = max(asked[row].reach for row in rows)
    items, scores = index.search(queries.take(torch.tensor(rows)), reach)
    level = (scores.amin(1) == scores.amax(1)).tolist()  # for whom all films are alike
    for row, found, values in zip(rows, items, scores, strict=True):
        values[torch.isin(found, asked[row].barred)] = -torch.inf
        passing = asked[row].passing
        if passing is not None:
            values[torch.from_numpy(~passing)[found]] = -torch.inf
    places, best = top(scores, max(asked[row].pool for row in rows))
    items = items.gather(1, places.clamp_min(0)).masked_fill(places < 0, -1)
    told = zip(rows, items.tolist(), best.tolist(), level, strict=True)
    lists = {row: (_first(asked[row].pool, *one, fallback=False), flat) for row, *one, flat in told}
    return {
        row: _varied(artefact, pick, asked[row].ask) if asked[row].ask.diversity else pick
        for row, (pick, flat) in lists.items()
        if len(pick.items) == asked[row].pool and not flat
    }


def _scores(artefact: Artefact, queries: Queries) -> tuple[Tensor, list[bool]]:
    """Scores of all films `[B, n_items]`, and for whom they are but their popularity."""
    lengths = queries.lengths
    if bool(lengths.all()):
        scores = all_scores(artefact.model, queries.to(artefact.model.device)).cpu()
    else:
        scores = torch.zeros(len(queries), len(artefact.catalogue))
        told = lengths.nonzero().squeeze(1)
        if len(told):
            known = queries.take(told).to(artefact.model.device)
            scores[told] = all_scores(artefact.model, known).cpu()
    fallback: list[bool] = (scores.amin(1) == scores.amax(1)).tolist()
    if any(fallback):
        scores[torch.tensor(fallback)] = torch.from_numpy(artefact.item_counts).float()
    return scores, fallback


def _picked(
    artefact: Artefact, asked: list[_Asked], scores: Tensor, fallback: list[bool]
) -> list[_Picked]:
    for row, one in zip(scores, asked, strict=True):
        if one.passing is not None:
            row.masked_fill_(torch.from_numpy(~one.passing), -torch.inf)
        row[one.barred] = -torch.inf
    items, values = top(scores, max(one.pool for one in asked), artefact.favour)
    picked: list[_Picked] = []
    best = zip(items.tolist(), values.tolist(), fallback, strict=True)
    for one, (row, told, popular) in zip(asked, best, strict=True):
        pick = _first(one.pool, row, told, fallback=popular)
        picked.append(_varied(artefact, pick, one.ask) if one.ask.diversity else pick)
    return picked


def _first(pool: int, items: list[int], values: list[float], *, fallback: bool) -> _Picked:
    left = len(items) - items.count(-1)
    return _Picked(items[: min(pool, left)], values[: min(pool, left)], fallback)


def _varied(artefact: Artefact, pick: _Picked, ask: Ask) -> _Picked:
    vectors = film_vectors(artefact)[0][pick.items]
    places = diversify(np.asarray(pick.values, np.float32), vectors, ask.k, ask.diversity)
    items, values = [pick.items[p] for p in places], [pick.values[p] for p in places]
    return replace(pick, items=items, values=values)


def _stars(artefact: Artefact, queries: Queries, picked: list[_Picked]) -> list[list[float] | None]:
    """Expected stars of the films of each list, where the model predicts them."""
    stars: list[list[float] | None] = [None] * len(picked)
    model = artefact.model
    rows = [row for row, pick in enumerate(picked) if len(pick.items) and not pick.fallback]
    if not isinstance(model, RatingPredictor) or not rows:
        return stars
    # Padded, since the lists may be of unequal length.
    told = model.stars(_padded([picked[row].values for row in rows]).to(model.device))
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
    artefact: Artefact, queries: Queries, pick: _Picked, listed: list[Recommended]
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
