"""Films: searched, filtered, one by one, alike."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from matinee.artefact import Artefact
from matinee.recommendation.filters import allowed
from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import (
    Cursor,
    ItemId,
    Serving,
    bad_cursor,
    decode_cursor,
    encode_cursor,
    limit_of,
    reply,
    within,
)
from matinee.service.api.strict import StrictRoute

router = APIRouter(
    route_class=StrictRoute, prefix="/v1", tags=["films"], dependencies=[needs("read")]
)

FOUND = 500
"""Films that a search finds at most."""

Genres = Annotated[list[schemas.Name], Query(max_length=50, description="Any of these genres.")]
Tags = Annotated[list[schemas.Name], Query(max_length=50, description="Any of these tags.")]
Earliest = Annotated[schemas.Year | None, Query(description="Of this year or later.")]
Latest = Annotated[schemas.Year | None, Query(description="Of this year or earlier.")]


@router.get("/items", response_model=schemas.Items)
async def find(
    service: Serving,
    q: Annotated[
        str | None,
        Query(min_length=1, max_length=500, description="Part of a title, forgivingly matched."),
    ] = None,
    genre: Genres = [],  # noqa: B006 - FastAPI copies it
    tag: Tags = [],  # noqa: B006
    year_min: Earliest = None,
    year_max: Latest = None,
    limit: Annotated[int, limit_of("max_page", "Films of a page.")] = 20,
    cursor: Cursor = None,
) -> Response:
    """Films, best match first when searching, else the most rated first; with any filters.

    A search finds 500 films at most.
    """
    within(service, "max_page", "query.limit", limit)
    artefact = service.artefact
    years = None if year_min is None and year_max is None else (year_min, year_max)
    wishes: dict[str, Any] = {"genres": genre, "tags": tag, "years": years}
    films = await service.read(listed, artefact, q, wishes)
    start = 0 if cursor is None else _after(artefact, films, decode_cursor(cursor))
    page = films[start : start + limit]
    more = start + limit < len(films)
    last = encode_cursor(artefact.catalogue.ids[page[-1]]) if more and page else None
    return reply({"items": [shown(artefact, film) for film in page], "next": last})


@router.get("/items/{item}", response_model=schemas.Item)
async def one(item: ItemId, service: Serving) -> Response:
    """One film."""
    return reply(shown(service.artefact, service.film(item)))


@router.get("/items/{item}/similar", response_model=schemas.FilmList)
async def similar(
    item: ItemId,
    service: Serving,
    k: Annotated[int, limit_of("max_k", "Length of the list.")] = 10,
) -> Response:
    """Films like this one, by the model's own measure."""
    within(service, "max_k", "query.k", k)
    return reply((await service.similar(item, k)).as_dict())


def listed(artefact: Artefact, text: str | None, wishes: dict[str, Any]) -> list[int]:
    """Film integers in the order in which they are listed.

    Args:
        artefact: The run.
        text: What is searched for; without it all films are listed.
        wishes: As `allowed` takes them.

    Raises:
        MatineeError: On a genre or tag no film has, or years that run backwards.
    """
    passing = allowed(artefact.catalogue, **wishes)
    if text is not None:
        return [film for film in artefact.titles.search(text, FOUND) if passing[film]]
    return artefact.favour[passing[artefact.favour]].tolist()


def shown(artefact: Artefact, film: int) -> dict[str, Any]:
    """A film as it is shown."""
    identity, title, year, genres = artefact.catalogue.rows[film]
    mean = float(artefact.item_means[film])
    return {
        "id": identity,
        "title": title,
        "year": year,
        "genres": list(genres),
        "tags": artefact.catalogue.frame["tags"][film].to_list(),
        "n_ratings": int(artefact.item_counts[film]),
        "mean_rating": None if math.isnan(mean) else round(mean, 4),
    }


def _after(artefact: Artefact, films: list[int], last: object) -> int:
    """Where the page after the film `last` begins."""
    film = artefact.catalogue.ids.find(last) if isinstance(last, str) else None
    if film is None or film not in films:
        raise bad_cursor()
    return films.index(film) + 1
