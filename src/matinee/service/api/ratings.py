"""A person's ratings: one by one, listed."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import (
    Cursor,
    ItemId,
    PersonId,
    Serving,
    limit_of,
    paged,
    reply,
    within,
)
from matinee.service.api.strict import StrictRoute
from matinee.service.refusals import NotFound
from matinee.service.store import Rating

router = APIRouter(route_class=StrictRoute, prefix="/v1/people/{person}/ratings", tags=["ratings"])


@router.get("", response_model=schemas.Ratings, dependencies=[needs("read")])
async def every(
    person: PersonId,
    service: Serving,
    limit: Annotated[int, limit_of("max_page", "Ratings of a page.")] = 50,
    cursor: Cursor = None,
) -> Response:
    """All ratings of a person, oldest first; none of someone unknown."""
    within(service, "max_page", "query.limit", limit)
    ratings = await service.read(service.store.ratings, person)
    return reply(paged(ratings, _place, limit, cursor, (int, str)))


@router.get("/{item}", response_model=schemas.Rating, dependencies=[needs("read")])
async def one(person: PersonId, item: ItemId, service: Serving) -> Response:
    """A person's rating of a film."""
    rating = await service.read(service.store.rating, person, item)
    if rating is None:
        raise NotFound("this person has not rated this film", where="item")
    return reply(asdict(rating))


@router.put(
    "/{item}",
    response_model=schemas.Rating,
    responses={201: {"model": schemas.Rating, "description": "Kept, for the first time"}},
    dependencies=[needs("write")],
)
async def rate(person: PersonId, item: ItemId, stars: schemas.Stars, service: Serving) -> Response:
    """Keep a rating; it takes the place of an earlier one. It is on disk before the reply."""
    service.film(item)
    service.check_stars(stars.rating)
    now = int(time.time())
    before = await service.write(service.store.rate, person, item, stars.rating, time=now)
    kept = Rating(item, stars.rating, now)
    return reply(asdict(kept), 201 if before is None else 200)


@router.delete("/{item}", status_code=204, dependencies=[needs("write")])
async def unrate(person: PersonId, item: ItemId, service: Serving) -> Response:
    """Take a rating back; the same whether or not there was one."""
    await service.write(service.store.unrate, person, item)
    return Response(status_code=204)


def _place(rating: Rating) -> tuple[int, str]:
    return rating.time, rating.item
