"""What all pages share: the service, its films, the templates, the cookies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined

from matinee.service.pages import stars, tiles, words
from matinee.service.pages.library import Library
from matinee.service.pages.sessions import Cookies
from matinee.service.service import Service

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""What the pages may load: from here, and nothing inline."""


class Site:
    """The pages of a service.

    Args:
        service: What the pages stand on.
        secret: The key of the sessions.
    """

    def __init__(self, service: Service, secret: str) -> None:
        self.service = service
        self.cookies = Cookies(secret)
        self._library: Library | None = None

    @property
    def library(self) -> Library:
        """The films of the model that serves now."""
        artefact = self.service.current.artefact
        if self._library is None or self._library.artefact is not artefact:
            self._library = Library(artefact)
        return self._library

    async def enter(self, request: Request) -> None:
        """Let the handlers of a request know the site."""
        request.state.site = self


@lru_cache(maxsize=1)
def static_files() -> Mapping[str, bytes]:
    """The style sheets, scripts and pictures by name."""
    own = files("matinee.service.pages").joinpath("static")
    shared = files("matinee.exhibits").joinpath("colours.css")
    found = {file.name: file.read_bytes() for file in (*own.iterdir(), shared) if _good(file)}
    return found | {"tiles.css": tiles.stylesheet().encode()}


@lru_cache(maxsize=1)
def static_version() -> str:
    """Names the static files' contents, so that browsers may keep them for good."""
    sha = hashlib.sha256()
    for name, content in sorted(static_files().items()):
        sha.update(name.encode() + b"\0" + content)
    return sha.hexdigest()[:12]


def address(name: str) -> str:
    """Where a static file is."""
    return f"/static/{static_version()}/{name}"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates; a name that is not there is an error."""
    environment = Environment(
        loader=PackageLoader("matinee.service.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared: dict[str, Any] = environment.globals
    shared.update(
        visit=None,
        static=address,
        worth=words.worth,
        because=words.because,
        shown=stars.shown,
        said=stars.said,
    )
    return environment


def _good(file: Traversable) -> bool:
    return file.is_file() and not file.name.startswith((".", "_"))
