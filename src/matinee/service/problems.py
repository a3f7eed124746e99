"""Errors as replies: `application/problem+json` (RFC 9457) for programs, a page for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from matinee.errors import ArtefactError, Bug, EvaluationError, MatineeError, StoreError
from matinee.service.refusals import BadRequest, Refusal
from matinee.service.store import NameTaken

log = logging.getLogger(__name__)

ErrorPage = Callable[[Request, int, MatineeError], Response]
"""Shows an error to a person."""

PROGRAMS = ("/v1", "/health", "/metrics", "/openapi.json")
"""Paths under which errors are problem documents even if there are pages."""


STATUS: tuple[tuple[type[MatineeError], int], ...] = (
    (StoreError, 503),
    (ArtefactError, 409),
    (NameTaken, 409),
    (EvaluationError, 500),
    (Bug, 500),
)
"""The status of errors that are no `Refusal`; all others are 422."""

OPTIONS = {"-k": "k", "--genre": "genres", "--tag": "tags", "--year": "year_min"}
"""Fields of a request by the options of the command line that errors name."""


def install(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Answer every error of an application so.

    Args:
        app: The application.
        page: How people are told; without it everyone gets problem documents.
    """
    app.state.error_page = page
    app.add_exception_handler(MatineeError, _matinee)
    app.add_exception_handler(HTTPException, _protocol)
    app.add_exception_handler(RequestValidationError, _invalid)


def reply(request: Request, error: MatineeError, status: int | None = None) -> Response:
    """The reply to a request that failed.

    Args:
        request: The request.
        error: What is wrong.
        status: By default that of the error's class.
    """
    status = status or status_of(error)
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", "1")
    page: ErrorPage | None = request.app.state.error_page
    if page is not None and not request.url.path.startswith(PROGRAMS):
        shown = page(request, status, error)
        shown.headers.update(headers)
        return shown
    return problem(error, status, headers, request.scope["state"].get("request_id"))


def problem(
    error: MatineeError, status: int, headers: Mapping[str, str], request_id: str | None = None
) -> Response:
    """A problem document."""
    document = document_of(error, status)
    if request_id is not None:
        document["request_id"] = request_id
    return Response(
        json.dumps(document),
        status_code=status,
        headers=dict(headers),
        media_type="application/problem+json",
    )


def document_of(error: MatineeError, status: int) -> dict[str, Any]:
    """An error as RFC 9457 has it, with the fields of our own errors."""
    fields = error.as_dict()
    where = fields["where"]
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error),
        **fields,
        "where": OPTIONS.get(where or "", where and where.removeprefix("--")),
    }


def status_of(error: MatineeError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refusal):
        return error.status
    return next((status for sort, status in STATUS if isinstance(error, sort)), 422)


async def _matinee(request: Request, error: Exception) -> Response:
    assert isinstance(error, MatineeError)
    if isinstance(error, StoreError):
        request.app.state.metrics.store_errors.inc()
        log.error("the database failed: %s", error)
    return reply(request, error)


async def _protocol(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: 404, 405 and their like."""
    assert isinstance(error, HTTPException)
    what = PHRASES.get(error.status_code, str(error.detail))
    shown = reply(request, BadRequest(what), error.status_code)
    shown.headers.update(error.headers or {})
    return shown


PHRASES = {
    400: "the body cannot be read",
    404: "there is nothing at this address",
    405: "this address does not take this method",
}


async def _invalid(request: Request, error: Exception) -> Response:
    """What does not fit the schema: the first fault, without the value, which may be secret."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        what = f"there is no field called {str(first['loc'][-1])!r}"
    elif first["type"] == "missing":
        what = "the field is missing"
    elif first["type"] == "json_invalid":
        return reply(request, BadRequest("the body is not JSON", where="body"), 422)
    else:
        what, expected = "the value cannot be used", first["msg"].removeprefix("Input should be ")
        return reply(request, BadRequest(what, where=where, expected=expected), 422)
    return reply(request, BadRequest(what, where=where), 422)
