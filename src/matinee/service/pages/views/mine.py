"""One's own ratings and watchlist: looked through, brought along, taken away, erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import UploadFile

from matinee.errors import DataError, MatineeError
from matinee.service import ledger
from matinee.service.pages.library import Film
from matinee.service.pages.rows import with_stars
from matinee.service.pages.sessions import Note, guest
from matinee.service.pages.visit import Visit, Visiting
from matinee.service.store import Rating

Pair = tuple[Film, Rating]

KEYS: dict[str, Callable[[Pair], tuple[Any, str]]] = {
    "latest": lambda pair: (-pair[1].time, pair[0].title),
    "best": lambda pair: (-pair[1].rating, pair[0].title),
    "worst": lambda pair: (pair[1].rating, pair[0].title),
    "title": lambda pair: (pair[0].title.casefold(), pair[0].id),
    "year": lambda pair: (pair[0].year or 0, pair[0].title),
}


ORDERS = {
    "latest": "latest first",
    "best": "best first",
    "worst": "worst first",
    "title": "by title",
    "year": "by year",
}
"""How the ratings can be sorted."""

router = APIRouter()


@router.get("/ratings")
async def ratings(visit: Visiting) -> Response:
    """All ratings, to look through and change."""
    order = visit.request.query_params.get("order", "latest")
    given = _given(visit, order if order in ORDERS else "latest")
    gone = len(visit.ratings) - len(given)
    return visit.page("ratings.html", given=given, gone=gone, order=order, orders=ORDERS)


@router.get("/watchlist")
async def watchlist(visit: Visiting) -> Response:
    """The films put aside for later, the latest first."""
    wanted = [item for item, kinds in visit.marks.items() if "watchlist" in kinds]
    shown = await with_stars(visit, visit.library.films(reversed(wanted)))
    hidden = [item for item, kinds in visit.marks.items() if kinds & {"not_interested", "seen"}]
    aside = visit.library.films(reversed(hidden))
    return visit.page("watchlist.html", shown=shown, aside=aside)


@router.get("/ratings/export")
async def export(visit: Visiting) -> Response:
    """All ratings as a table that can be brought along again."""
    text = ledger.take_along(visit.library.artefact.catalogue, list(visit.ratings.values()))
    headers = {
        "Content-Disposition": 'attachment; filename="matinee-ratings.csv"',
        "Cache-Control": "private, no-store",
    }
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/ratings/import")
async def bring(visit: Visiting) -> Response:
    """Take in an export of another site; what did not fit is listed."""
    form = await visit.form()
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        error = DataError("no file was chosen", remedy="Choose one and try again.")
        return visit.page("imported.html", 400, error=error)
    content = await file.read()
    service, person, name = visit.site.service, visit.session.person, file.filename
    try:
        matched, taken = await service.write(ledger.bring, service, person, content, name=name)
    except MatineeError as error:
        return visit.page("imported.html", 400, error=error)
    return visit.page("imported.html", error=None, taken=taken, matched=matched)


@router.get("/ratings/erase")
async def ask_erase(visit: Visiting) -> Response:
    """Make sure."""
    return visit.page("erase.html")


@router.post("/ratings/erase")
async def erase(visit: Visiting) -> Response:
    """Erase the person and everything of theirs, and go on as someone new."""
    await visit.form()
    await visit.site.service.erase(visit.session.person)
    visit.become(guest())
    return visit.redirect("/welcome", Note("Everything of yours is erased."))


def _given(visit: Visit, order: str) -> list[Pair]:
    pairs = [(visit.library.film(r.item), r) for r in visit.ratings.values()]
    known = [(film, rating) for film, rating in pairs if film is not None]
    return sorted(known, key=KEYS[order])
