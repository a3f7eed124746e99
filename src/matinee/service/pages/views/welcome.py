"""The first visit: rate films one knows until there is enough to recommend."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Response

from matinee.recommendation import Ask
from matinee.service.pages.library import Film
from matinee.service.pages.rows import suggestions
from matinee.service.pages.visit import ENOUGH, Visit, Visiting

SHOWN = 12
"""Films to rate at a time."""

SKIPPED = 150
"""Films that may be passed over before the first of them come again."""

router = APIRouter()


@router.get("/welcome")
async def welcome(visit: Visiting) -> Response:
    """Films to rate, how far one is, and what would be recommended by now."""
    query = visit.request.query_params
    text = query.get("q", "").strip()
    skipped = query.getlist("skip")[-SKIPPED:]
    picks = visit.library.search(text, SHOWN) if text else _picks(visit, skipped)
    enough = visit.rated_here >= ENOUGH
    found = (await suggestions(visit, Ask(k=14)))[0] if enough else []
    return visit.page(
        "welcome.html",
        text=text,
        picks=picks,
        shown=found,
        needed=ENOUGH,
        others=_without(skipped + [film.id for film in picks]),
        skips={film.id: _without([*skipped, film.id]) for film in picks},
    )


def _picks(visit: Visit, skipped: list[str]) -> list[Film]:
    known = {*visit.ratings, *visit.marks, *skipped}
    return visit.library.films([i for i in visit.library.starters if i not in known][:SHOWN])


def _without(skipped: list[str]) -> str:
    return "/welcome?" + urlencode({"skip": skipped[-SKIPPED:]}, doseq=True) + "#picks"
