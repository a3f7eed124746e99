"""What the routes share: the service, parameters, pages, limits."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from matinee.errors import MatineeError
from matinee.service.refusals import BadRequest
from matinee.service.service import Service


async def service_of(request: Request) -> Service:
    """The service that answers; asynchronous, or else FastAPI would call it in a thread."""
    return request.app.state.service


if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

Serving = Annotated[Service, Depends(service_of)]

# No control characters, and no slash: that cannot be part of a segment of a path.
PersonId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f/]+$",
        description="A person's id: any text that the client chose.",
    ),
]
ItemId = Annotated[
    str,
    Path(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f/]+$",
        description="A film's id in the catalogue.",
    ),
]
Cursor = Annotated[
    str | None, Query(max_length=600, description="Where the page before ended: its `next`.")
]


def limit_of(setting: str, description: str) -> Any:
    """A number from 1 to a limit of the settings, which `within` checks."""
    return Query(ge=1, description=description, json_schema_extra={"x-limit": setting})


def within(service: Service, setting: str, where: str, value: int | Sequence[Any]) -> None:
    """Refuse a number, or a list of a length, over a limit of the settings.

    Raises:
        BadRequest: Naming the field and the limit.
    """
    limit: int = getattr(service.settings, setting)
    if isinstance(value, int):
        if value > limit:
            raise BadRequest(f"{value} is too many", where=where, expected=f"{limit} at most")
    elif len(value) > limit:
        raise BadRequest(
            f"{len(value)} entries are too many", where=where, expected=f"{limit} at most"
        )


def reply(document: Any, status: int = 200) -> Response:
    """A JSON reply, which nothing validates a second time: tests hold it to the document."""
    return Response(
        to_json(document),  # several times as fast as the standard library's
        status_code=status,
        media_type="application/json",
    )


def paged(
    rows: Sequence[T],
    place: Callable[[T], tuple[int | str, ...]],
    limit: int,
    cursor: str | None,
    kinds: Sequence[type],
) -> dict[str, Any]:
    """A page of rows that are sorted by `place`, even if the row that it comes after has gone.

    Args:
        rows: All rows.
        place: Where a row stands; no two stand in one place.
        limit: Rows of the page.
        cursor: Where the page before ended; none for the first.
        kinds: The types of the parts of a place.

    Raises:
        BadRequest: If the cursor leads nowhere.
    """
    start = 0
    if cursor is not None:
        last = decode_cursor(cursor)
        if not isinstance(last, list) or [type(part) for part in last] != list(kinds):
            raise bad_cursor()
        start = bisect_right(rows, tuple(last), key=place)
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    following = encode_cursor(place(page[-1])) if more else None
    return {"items": [asdict(row) for row in page], "next": following}


def told(error: MatineeError) -> dict[str, Any]:
    """An error inside a reply that is not itself one."""
    return {"error": error.as_dict()}


def encode_cursor(place: Any) -> str:
    """A place in a list, as text that clients hand back unread."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Any:
    """The place in a list.

    Raises:
        BadRequest: If it is no cursor of ours.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        raise bad_cursor() from None


def bad_cursor() -> BadRequest:
    """A cursor that leads nowhere."""
    return BadRequest(
        "the cursor leads nowhere",
        where="query.cursor",
        expected="the `next` of a page before",
        remedy="Start again without a cursor.",
    )
