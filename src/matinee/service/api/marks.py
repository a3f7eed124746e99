"""A person's marks: films put on the watchlist, seen, or not of interest."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
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
from matinee.service.store import MARKS, Mark

router = APIRouter(route_class=StrictRoute, prefix="/v1/people/{person}/marks", tags=["marks"])

Kind = Literal["watchlist", "not_interested", "seen"]
assert set(MARKS) == set(Kind.__args__)
KindOfMark = Annotated[Kind, Path(description="What the film is marked as.")]


@router.get("", response_model=schemas.Marks, dependencies=[needs("read")])
async def every(
    person: PersonId,
    service: Serving,
    kind: Annotated[Kind | None, Query(description="Only marks of this kind.")] = None,
    limit: Annotated[int, limit_of("max_page", "Marks of a page.")] = 50,
    cursor: Cursor = None,
) -> Response:
    """All marks of a person, oldest first; none of someone unknown."""
    within(service, "max_page", "query.limit", limit)
    marks = await service.read(service.store.marks, person)
    wanted = [mark for mark in marks if kind in {None, mark.kind}]
    return reply(paged(wanted, _place, limit, cursor, (int, str, str)))


@router.put("/{kind}/{item}", status_code=204, dependencies=[needs("write")])
async def mark(person: PersonId, kind: KindOfMark, item: ItemId, service: Serving) -> Response:
    """Mark a film. What is seen or not of interest is in no list from now on."""
    service.film(item)
    await service.write(service.store.mark, person, item, kind)
    return Response(status_code=204)


@router.delete("/{kind}/{item}", status_code=204, dependencies=[needs("write")])
async def unmark(person: PersonId, kind: KindOfMark, item: ItemId, service: Serving) -> Response:
    """Take a mark away; the same whether or not there was one."""
    await service.write(service.store.unmark, person, item, kind)
    return Response(status_code=204)


def _place(mark: Mark) -> tuple[int, str, str]:
    return mark.time, mark.item, mark.kind
