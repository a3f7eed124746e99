"""Signing up, in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
from fastapi import APIRouter, Response

from matinee.errors import MatineeError
from matinee.service.pages import accounts
from matinee.service.pages.sessions import Note, guest, local, signed_in
from matinee.service.pages.visit import Visit, Visiting
from matinee.service.store import Person

HASHING = anyio.CapacityLimiter(2)
"""Passphrases hashed at a time: each takes 64 MiB."""

router = APIRouter()


@router.get("/sign-up")
async def sign_up_page(visit: Visiting) -> Response:
    """The form for a new account."""
    return _form(visit, "sign-up.html")


@router.post("/sign-up")
async def sign_up(visit: Visiting) -> Response:
    """Make the guest an account."""
    return await _enter(visit, accounts.sign_up, "sign-up.html", "Welcome, {}. {}")


@router.get("/sign-in")
async def sign_in_page(visit: Visiting) -> Response:
    """The form for an account that is there."""
    return _form(visit, "sign-in.html")


@router.post("/sign-in")
async def sign_in(visit: Visiting) -> Response:
    """Go on as an account; the guest's ratings move over."""
    return await _enter(visit, accounts.sign_in, "sign-in.html", "Welcome back, {}. {}")


@router.post("/sign-out")
async def sign_out(visit: Visiting) -> Response:
    """Go on as a new guest; the account is signed out everywhere."""
    await visit.form()
    if visit.session.account:
        service = visit.site.service
        await service.write(service.store.end_sessions, visit.session.person)
    visit.become(guest())
    return visit.redirect("/welcome", Note("You are signed out."))


async def _enter(
    visit: Visit, function: Callable[..., Person], template: str, words: str
) -> Response:
    form = await visit.form()
    name, passphrase = str(form.get("name") or ""), str(form.get("passphrase") or "")
    if visit.session.account:
        return visit.redirect("/")
    await visit.site.service.write_log()  # what it says of the guest goes along
    arguments = (visit.site.service.store, visit.session.person, name, passphrase, visit.address)
    try:
        person = await anyio.to_thread.run_sync(function, *arguments, limiter=HASHING)
    except MatineeError as error:
        status = 429 if isinstance(error, accounts.Throttled) else 400
        return _form(visit, template, status, error=error, name=name[:100])
    moved = "The films you rated came along." if visit.ratings else ""
    visit.become(signed_in(person))
    return visit.redirect(local(form.get("back")), Note(words.format(person.name, moved).strip()))


def _form(
    visit: Visit, template: str, status: int = 200, error: Any = None, name: str = ""
) -> Response:
    back = local(visit.request.query_params.get("back"))
    limits = (accounts.NAME_LENGTH, accounts.SHORTEST, accounts.LONGEST)
    return visit.page(template, status, error=error, name=name, after=back, limits=limits)
