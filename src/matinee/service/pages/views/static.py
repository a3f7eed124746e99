"""Style sheets and scripts, kept by browsers for good; the worker that serves offline."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter, Response

from matinee.service.pages.site import POLICY, address, static_files, static_version
from matinee.service.pages.visit import Visiting

FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter()


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    """A file; of an old version, the one of today, to be asked for again."""
    if name not in static_files():
        return Response("There is no such file.\n", 404, media_type="text/plain")
    kept = FOR_GOOD if version == static_version() else "no-cache"
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(static_files()[name], media_type=media, headers={"Cache-Control": kept})


@router.get("/worker.js")
async def worker() -> Response:
    """The service worker; it must lie at the top to answer for all pages."""
    files = ("colours.css", "tiles.css", "page.css", "main.js")
    kept = ", ".join(f'"{address(name)}"' for name in files)
    text = f"const KEPT = [{kept}];\n" + static_files()["worker.js"].decode()
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return Response(text, media_type="text/javascript", headers=headers)


@router.get("/offline")
async def offline(visit: Visiting) -> Response:
    """What is shown when there is no network."""
    return visit.page("offline.html")
