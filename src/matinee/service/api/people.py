"""All that is kept of a person: taken along, brought, erased."""

from __future__ import annotations

import csv
import io
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from matinee.data.catalogue import Catalogue
from matinee.data.exports import KINDS, Limits, Matched, match, read_export
from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import PersonId, Serving, reply
from matinee.service.api.strict import StrictRoute, check_type
from matinee.service.service import Service
from matinee.service.store import Rating

router = APIRouter(route_class=StrictRoute, prefix="/v1/people/{person}", tags=["people"])

FILES = ("application/octet-stream", "application/zip", "text/csv")
COLUMNS = ("id", "title", "year", "rating", "timestamp")
Kind = Literal["auto", "letterboxd", "imdb", "criticker", "movielens", "plain"]
assert set(KINDS) == set(Kind.__args__)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    dependencies=[needs("read")],
)
async def export(person: PersonId, service: Serving) -> Response:
    """All ratings of a person as CSV, which can be imported again."""
    ratings = await service.read(service.store.ratings, person)
    return Response(
        table(service.artefact.catalogue, ratings),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="ratings.csv"'},
    )


@router.post(
    "/import",
    response_model=schemas.Imported,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FILES},
        }
    },
    dependencies=[needs("write")],
)
async def bring(
    person: PersonId,
    request: Request,
    service: Serving,
    kind: Annotated[
        Kind, Query(alias="from", description="Whose export it is; by default found out.")
    ] = "auto",
) -> Response:
    """Import an export of Letterboxd, IMDb, Criticker or MovieLens, or any CSV of ratings.

    The file is the body. Films are found by title and year; what was not found is listed.
    Of two ratings of a film the newer stays.
    """
    check_type(request, *FILES)
    content = await request.body()
    matched, taken = await service.write(import_file, service, person, content, kind)
    return reply({**matched.as_dict(), "taken": taken})


@router.delete("", status_code=204, dependencies=[needs("write")])
async def erase(person: PersonId, service: Serving) -> Response:
    """Erase a person with everything kept of them, the recommendation log included."""
    await service.erase(person)
    return Response(status_code=204)


def import_file(
    service: Service, person: str, content: bytes, kind: str = "auto"
) -> tuple[Matched, int]:
    """Keep the ratings of an export.

    Returns:
        What was matched, and how many ratings are new or newer.

    Raises:
        DataError: If the file cannot be read.
    """
    limits = Limits(file_bytes=service.settings.max_upload_bytes)
    export = read_export(content, kind, name="the file", limits=limits)
    matched = match(export, service.artefact.titles, service.scale)
    now = int(time.time())
    rows = zip(matched.items, matched.ratings, matched.times, strict=True)
    ratings = [Rating(item, stars, now if at is None else at) for item, stars, at in rows]
    return matched, service.store.rate_many(person, ratings) if ratings else 0


def table(catalogue: Catalogue, ratings: list[Rating]) -> str:
    """Ratings as CSV; films that the catalogue has no more stand there by their id alone."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for rating in ratings:
        film = catalogue.ids.find(rating.item)
        title, year = (rating.item, None) if film is None else catalogue.rows[film][1:3]
        row: list[Any] = [rating.item, title, year, f"{rating.rating:g}", rating.time]
        writer.writerow(row)
    return text.getvalue()
