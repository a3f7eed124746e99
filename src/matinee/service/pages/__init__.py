"""The pages for people's browsers: rendered here, usable without scripts."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from matinee.service.pages.errors import error_page
from matinee.service.pages.sessions import secret
from matinee.service.pages.site import Site
from matinee.service.pages.views import (
    about,
    account,
    film,
    giving,
    home,
    mine,
    static,
    welcome,
)
from matinee.service.service import Service

__all__ = ["error_page", "router"]

VIEWS = (home, welcome, film, giving, mine, account, about, static)


def router(service: Service) -> APIRouter:
    """All pages.

    Args:
        service: What they stand on.

    Raises:
        MatineeError: If the key of the sessions can neither be read nor made.
    """
    site = Site(service, secret(service.settings))
    made = APIRouter(dependencies=[Depends(site.enter)], include_in_schema=False)
    for view in VIEWS:
        made.include_router(view.router)
    return made
