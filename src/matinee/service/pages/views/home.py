"""The first page: rows of films for someone, or those that fit what they wish."""

from __future__ import annotations

from fastapi import APIRouter, Response

from matinee.errors import MatineeError
from matinee.recommendation import Ask
from matinee.service.pages.rows import rows, suggestions
from matinee.service.pages.visit import ENOUGH, Visit, Visiting
from matinee.service.pages.wishes import MOST, NAMES, Wishes

router = APIRouter()


@router.get("/")
async def home(visit: Visiting) -> Response:
    """Rows, or one list as soon as anything is wished for; someone new picks films first."""
    query = visit.request.query_params
    if any(name in query for name in NAMES):
        return await _wished(visit)
    if visit.rated_here < ENOUGH:
        return visit.redirect("/welcome", visit.note)
    return visit.page("home.html", wishes=Wishes(), rows=await rows(visit))


async def _wished(visit: Visit) -> Response:
    try:
        wishes = Wishes.read(visit.request.query_params)
        ask = Ask(
            k=wishes.k + 1,
            genres=(wishes.genre,) if wishes.genre else (),
            years=wishes.years,
            diversity=wishes.variety / 100,
        )
        found, fallback = await suggestions(visit, ask)
    except MatineeError as error:
        return visit.page("wished.html", 400, wishes=Wishes(), error=error, shown=[], more="")
    more = wishes.address(min(wishes.k * 2, MOST)) if len(found) > wishes.k < MOST else ""
    shown = found[: wishes.k]
    return visit.page(
        "wished.html", wishes=wishes, error=None, shown=shown, more=more, fallback=fallback
    )
