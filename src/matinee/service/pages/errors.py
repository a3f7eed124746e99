"""Errors as pages: in the voice of all the others, and without anyone's data."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from matinee.errors import MatineeError
from matinee.service.pages.site import POLICY, templates


def error_page(request: Request, status: int, error: MatineeError) -> Response:
    """What a person is told when a request failed.

    Args:
        request: The request.
        status: The HTTP status.
        error: What is wrong; of a bug, only the request's id is told.
    """
    path = request.url.path
    name = "missing" if status == 404 else "broken" if status == 500 else "refused"
    text = (
        templates()
        .get_template(f"{name}.html")
        .render(
            status=status,
            error=error,
            film=path.startswith("/films/"),
            path=path if request.method == "GET" else "/",
            reference=getattr(request.state, "request_id", None),
        )
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)
