"""What someone says of films: ratings and marks, given and taken back."""

from __future__ import annotations

from fastapi import APIRouter, Response

from matinee.errors import DataError, unknown
from matinee.service.pages import words
from matinee.service.pages.library import Film
from matinee.service.pages.sessions import Note
from matinee.service.pages.stars import given
from matinee.service.pages.visit import Visit, Visiting
from matinee.service.refusals import NotFound
from matinee.service.store import MARKS

router = APIRouter()


@router.post("/rate")
async def rate(visit: Visiting) -> Response:
    """Keep a rating, or take it back where `rating` is empty."""
    form = await visit.form()
    film = _film(visit, form.get("item"))
    text = str(form.get("rating") or "")
    stars = given(text, visit.library.levels)
    if text and stars is None:
        raise DataError(
            f"{text[:20]!r} is not a rating",
            expected=", ".join(level.shown for level in visit.library.levels),
        )
    store, service, person = visit.site.service.store, visit.site.service, visit.session.person
    if stars is None:
        before = await service.write(store.unrate, person, film.id)
    else:
        before = await service.write(store.rate, person, film.id, stars)
    old = before.rating if before else None
    undo = (("item", film.id), ("rating", "" if old is None else f"{old:g}"))
    return visit.done(form, Note(words.rated(film, stars, old), "/rate", undo))


@router.post("/mark")
async def mark(visit: Visiting) -> Response:
    """Make or take away a mark: `mark` or `unmark` is the kind, a colon and the film."""
    form = await visit.form()
    making = "mark" in form
    kind, _, item = str(form.get("mark" if making else "unmark") or "").partition(":")
    if kind not in MARKS:
        raise unknown("mark", kind[:40], MARKS)
    film = _film(visit, item)
    store, person = visit.site.service.store, visit.session.person
    await visit.site.service.write(store.mark if making else store.unmark, person, film.id, kind)
    text = (words.MARKED if making else words.UNMARKED)[kind].format(film.label)
    undo = (("unmark" if making else "mark", f"{kind}:{film.id}"),)
    return visit.done(form, Note(text, "/mark", undo))


def _film(visit: Visit, item: object) -> Film:
    film = visit.library.film(str(item or ""))
    if film is None:
        raise NotFound(
            "there is no such film", remedy="The model may have changed: reload the page."
        )
    return film
