"""Lists of films for a person, and of films like a film."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from matinee.artefact import Artefact
from matinee.errors import DataError, MatineeError
from matinee.models.asking import asking
from matinee.recommendation.ask import Ask
from matinee.recommendation.batch import check_length, films, recommend_batch
from matinee.recommendation.diversity import unit
from matinee.recommendation.filters import Years
from matinee.recommendation.topk import top
from matinee.recommendation.types import Recommendations


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
    ask = Ask(
        user=None if user is None else str(user),
        likes=tuple(likes or ()),
        ratings=dict(ratings or {}),
        k=k,
        genres=genres,
        years=years,
        tags=tags,
        exclude=tuple(exclude),
        diversity=diversity,
        because=because,
    )
    (answer,) = recommend_batch(artefact, [ask])
    if isinstance(answer, MatineeError):
        raise answer
    return answer


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
    check_length(k)
    film = artefact.titles.find(title)
    with asking(artefact.model):
        scores = artefact.model.alike(film)
    fallback = scores is None
    scores = _alike_by_genres(artefact, film) if scores is None else scores.cpu().float().clone()
    scores[film] = -torch.inf
    items, values = top(scores[None], k, artefact.rank)
    keep = items[0] >= 0
    listed = films(artefact, items[0][keep].tolist(), values[0][keep].tolist())
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
