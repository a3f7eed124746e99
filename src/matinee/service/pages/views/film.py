"""One film: facts, one's rating, why it was suggested, films like it; and the search."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from matinee.errors import MatineeError
from matinee.recommendation import Ask, Reason
from matinee.service.pages.rows import put_aside, similar, with_stars
from matinee.service.pages.visit import Visit, Visiting
from matinee.service.refusals import NotFound

ALIKE, FOUND = 14, 48

router = APIRouter()


@router.get("/films/{item:path}")
async def film(visit: Visiting, item: str) -> Response:
    """All that is known of a film."""
    found = visit.library.film(item)
    if found is None:
        raise NotFound("there is no such film")
    alike, (this,), why = await asyncio.gather(
        _alike(visit, item), with_stars(visit, [found]), _why(visit, item)
    )
    spread = visit.library.spread(item)
    return visit.page("film.html", film=found, this=this, why=why, shown=alike, spread=spread)


@router.get("/search")
async def search(visit: Visiting) -> Response:
    """Films by title."""
    text = visit.request.query_params.get("q", "").strip()
    found = await with_stars(visit, visit.library.search(text, FOUND) if text else [])
    return visit.page("search.html", text=text, shown=found)


async def _alike(visit: Visit, item: str) -> list[object]:
    try:
        return list(await similar(visit, item, ALIKE))
    except MatineeError:  # nothing is known to compare the film by
        return []


async def _why(visit: Visit, item: str) -> tuple[Reason, ...]:
    if not visit.ratings or put_aside(visit, item):
        return ()
    answer = await visit.site.service.recommend(
        Ask(k=1, only=(item,), because=True),
        person=visit.session.person,
        record=visit.record,
    )
    listed = answer.recommendations.items
    return (listed[0].because or ()) if listed else ()
