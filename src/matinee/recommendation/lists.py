"""Lists of films for a person, and of films like a film."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from matinee.artefact import Artefact
from matinee.data.queries import Queries
from matinee.data.vocabulary import BoolArray, LongArray
from matinee.errors import ConfigError, DataError
from matinee.models.asking import asking
from matinee.models.base import RatingPredictor
from matinee.recommendation.because import reasons
from matinee.recommendation.diversity import diversify, film_vectors, unit
from matinee.recommendation.filters import Years, allowed
from matinee.recommendation.person import asker, liked
from matinee.recommendation.topk import all_scores, top
from matinee.recommendation.types import Recommendations, Recommended


def recommend(  # noqa: PLR0913 - the wishes a person may have; all but the first by name
    artefact: Artefact,
    *,
    user: str | int | None = None,
    likes: Iterable[str] | None = None,
    ratings: Mapping[str, float] | None = None,
    k: int = 10,
    genres: Sequence[str] = (),
    years: Years | None = None,
    tags: Sequence[str] = (),
    exclude: Iterable[str] = (),
    diversity: float = 0.0,
    because: bool = False,
) -> Recommendations:
    """The k films a person should see next.

    Films the person has rated or named, and those of `exclude`, are never listed. Films of
    equal score are listed by popularity, then by id. If nothing is known of the person, or
    the model gives all films one score, the list is of what is popular, and says so.

    Args:
        artefact: The run.
        user: A person of the data, by outside id. Someone unknown is answered as well.
        likes: Films the person likes, as titles or ids.
        ratings: Stars the person gave, by title or id.
        k: Length of the list; it is shorter if fewer films are left.
        genres: Only films with any of these genres.
        years: Only films from the first to the last of these years.
        tags: Only films with any of these tags.
        exclude: Films not to list, as titles or ids.
        diversity: 0 gives the k films of highest score; towards 1 the films are ever less
            like each other (see `diversify`), picked from the best 10 k (at least 100).
        because: Whether to tell which liked films speak for each film.

    Raises:
        ConfigError: If k, the years or the diversity are out of range.
        UnknownName: On a title, genre or tag that is not there.
        AmbiguousTitle: On a title that several films have; the choices are listed.
        DataError: On a rating off the scale, or a diversity that cannot be told.
    """
    _check(k, diversity)
    queries = asker(artefact, user, likes, ratings)
    mask = allowed(artefact.catalogue, genres=genres, years=years, tags=tags)
    mask[[artefact.titles.find(title) for title in exclude]] = False
    mask[queries.items.numpy()] = False
    with asking(artefact.model):
        scores, fallback = _scores(artefact, queries)
        items, values = _pick(artefact, scores, mask, k, diversity)
        listed = films(artefact, items, values)
        if not fallback:
            listed = _with_stars(artefact, queries, items, listed)
        if because:
            listed = _with_reasons(artefact, queries, items, listed, fallback=fallback)
    return Recommendations(artefact.run, artefact.name, fallback, tuple(listed))


def similar(artefact: Artefact, title: str, k: int = 10) -> Recommendations:
    """The k films most like a film, by the model's own measure.

    That is the cosine of its film vectors, if it has no other. Where the model cannot tell,
    films are compared by the cosine of their genres, and `fallback` says so. Films of equal
    score are listed by popularity, then by id.

    Args:
        artefact: The run.
        title: Title or id of the film.
        k: Length of the list.

    Raises:
        ConfigError: If k is out of range.
        UnknownName: If no film has the title.
        AmbiguousTitle: If several have; the choices are listed.
        DataError: If nothing is known to compare the film by.
    """
    _check(k)
    film = artefact.titles.find(title)
    with asking(artefact.model):
        scores = artefact.model.alike(film)
    fallback = scores is None
    scores = _alike_by_genres(artefact, film) if scores is None else scores.cpu().float().clone()
    scores[film] = -torch.inf
    items, values = top(scores[None], k, artefact.favour)
    keep = items[0] >= 0
    listed = films(artefact, items[0][keep], values[0][keep])
    return Recommendations(artefact.run, artefact.name, fallback, tuple(listed))


def _alike_by_genres(artefact: Artefact, film: int) -> Tensor:
    genres = artefact.catalogue.genre_matrix.astype(np.float32)
    if not genres[film].any():
        raise DataError(
            f"nothing is known to compare {artefact.catalogue.titles[film]!r} by",
            expected="a film with training ratings or genres",
        )
    directions = unit(genres)
    return torch.from_numpy(directions @ directions[film])


def films(artefact: Artefact, items: Tensor, scores: Tensor) -> list[Recommended]:
    """Film integers `[K]` and their scores `[K]` as they are shown."""
    rows = artefact.catalogue.frame[items.numpy()].select("id", "title", "year", "genres")
    return [
        Recommended(film, title, year, tuple(genres), score)
        for (film, title, year, genres), score in zip(rows.rows(), scores.tolist(), strict=True)
    ]


def _check(k: int, diversity: float = 0.0) -> None:
    if k < 1:
        raise ConfigError(f"a list of {k} films cannot be made", where="-k", expected="1 or more")
    if not 0 <= diversity <= 1:
        raise ConfigError(
            f"diversity = {diversity:g} cannot be used", where="--diversity", expected="0 to 1"
        )


def _scores(artefact: Artefact, queries: Queries) -> tuple[Tensor, bool]:
    """Scores of all films `[n_items]`, and whether they are but their popularity."""
    if len(queries.items):
        scores = all_scores(artefact.model, queries.to(artefact.model.device))[0].cpu()
        if scores.min() < scores.max():
            return scores, False
    return torch.from_numpy(artefact.item_counts).float(), True


def _pick(
    artefact: Artefact, scores: Tensor, mask: BoolArray, k: int, diversity: float
) -> tuple[Tensor, Tensor]:
    pool = max(10 * k, 100) if diversity else k
    scores = scores.masked_fill(torch.from_numpy(~mask), -torch.inf)
    items, values = (row[0] for row in top(scores[None], pool, artefact.favour))
    items, values = items[items >= 0], values[items >= 0]
    if not diversity:
        return items, values
    places = _varied(artefact, items, values, k, diversity)
    return items[places], values[places]


def _varied(
    artefact: Artefact, items: Tensor, values: Tensor, k: int, diversity: float
) -> LongArray:
    vectors = film_vectors(artefact)[0][items.numpy()]
    return diversify(values.numpy(), vectors, k, diversity)


def _with_stars(
    artefact: Artefact, queries: Queries, items: Tensor, listed: list[Recommended]
) -> list[Recommended]:
    model = artefact.model
    if not isinstance(model, RatingPredictor) or not listed:
        return listed
    stars = model.predict(queries.to(model.device), items.to(model.device))[0].tolist()
    return [replace(film, stars=value) for film, value in zip(listed, stars, strict=True)]


def _with_reasons(
    artefact: Artefact,
    queries: Queries,
    items: Tensor,
    listed: list[Recommended],
    *,
    fallback: bool,
) -> list[Recommended]:
    if fallback or not listed:
        return [replace(film, because=()) for film in listed]
    told = reasons(
        artefact.model, queries, items, liked(artefact, queries), artefact.catalogue.titles
    )
    return [replace(film, because=why) for film, why in zip(listed, told, strict=True)]
