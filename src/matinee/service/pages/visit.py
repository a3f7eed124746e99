"""One request: who asks, what they have rated, and how they are answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import FormData

from matinee.service.pages.library import Library
from matinee.service.pages.sessions import (
    COOKIE,
    NOTE,
    Note,
    Session,
    check_origin,
    check_token,
    guest,
    local,
    opens,
)
from matinee.service.pages.site import POLICY, Site, templates
from matinee.service.records import Record
from matinee.service.store import Mark, Person, Rating, Store

Reply = TypeVar("Reply", bound=Response)

ENOUGH = 3
"""Ratings it takes to recommend."""


@dataclass
class Visit:
    """Someone asks for a page.

    Attributes:
        site: What all pages share.
        request: The request.
        session: Who it is; changed by signing in and out.
        person: The person in the store; None for a guest who has done nothing yet.
        ratings: Their ratings by film, oldest first.
        marks: The kinds of their marks by film, oldest first.
        record: Both as the store gave them.
        note: What happened on the page before.
    """

    site: Site
    request: Request
    session: Session
    person: Person | None = None
    ratings: dict[str, Rating] = field(default_factory=dict[str, Rating])
    marks: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    record: Record = ((), ())
    note: Note | None = None

    @property
    def library(self) -> Library:
        """The films."""
        return self.site.library

    @property
    def path(self) -> str:
        """The page that is asked for, with its query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.request.client.host if self.request.client else "nowhere"

    @property
    def rated_here(self) -> int:
        """How many of the films rated the model knows."""
        return len(self.library.films(self.ratings))

    async def form(self) -> FormData:
        """The form that was sent.

        Raises:
            Forged: If it does not come from a page of this session.
        """
        check_origin(self.request)
        form = await self.request.form(max_files=1, max_fields=30)
        check_token(self.session, form.get("token"))
        return form

    def page(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page."""
        text = templates().get_template(template).render(visit=self, **context)
        response = HTMLResponse(text, status, {"Content-Security-Policy": POLICY})
        if self.note:
            response.delete_cookie(NOTE)
        return self._leave(response)

    def redirect(self, path: str, note: Note | None = None) -> Response:
        """On to another page of this site, which will tell what happened."""
        response = RedirectResponse(local(path), 303)
        if note:
            self.site.cookies.tell(response, note, secure=self._secure)
        return self._leave(response)

    def done(self, form: FormData, note: Note) -> Response:
        """The answer to a form: back to the page it was on, or JSON for a script."""
        if "application/json" in self.request.headers.get("accept", ""):
            undo = {"action": note.action, "fields": note.fields} if note.action else None
            return self._leave(JSONResponse({"text": note.text, "undo": undo}))
        return self.redirect(local(form.get("back")), note)

    def become(self, session: Session) -> None:
        """Go on as someone else: after signing in or out."""
        self.session = session

    def _leave(self, response: Reply) -> Reply:
        response.headers["Cache-Control"] = "private, no-store"
        if not self.session.fresh:
            self.site.cookies.keep(response, self.session, secure=self._secure)
        return response

    @property
    def _secure(self) -> bool:
        return self.request.url.scheme == "https"


async def visit(request: Request) -> AsyncGenerator[Visit]:
    """The visit that a request is, with all that is stored of the person."""
    try:
        yield await _visit(request)
    finally:
        await request.close()  # and with it the files that a form brought


async def _visit(request: Request) -> Visit:
    site: Site = request.state.site
    session = site.cookies.session(request.cookies)
    found = Visit(site, request, session, note=site.cookies.note(request.cookies))
    if COOKIE in request.cookies:
        person, ratings, marks = await site.service.read(_known, site.service.store, session.person)
        if opens(session, person):
            found.person, found.ratings = person, {rating.item: rating for rating in ratings}
            found.record = ratings, marks
            for mark in marks:
                found.marks.setdefault(mark.item, set()).add(mark.kind)
        else:
            found.become(guest())
    return found


Visiting = Annotated[Visit, Depends(visit)]
"""The visit, as a handler's parameter."""


def _known(store: Store, person: str) -> tuple[Person | None, list[Rating], list[Mark]]:
    return store.person(person), *store.history(person)
