"""All that is kept of a person: taken along, brought, erased."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from matinee.data.exports import KINDS
from matinee.service import ledger
from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import PersonId, Serving, reply
from matinee.service.api.strict import StrictRoute, check_type

router = APIRouter(route_class=StrictRoute, prefix="/v1/people/{person}", tags=["people"])

FILES = ("application/octet-stream", "application/zip", "text/csv")
Kind = Literal["auto", "letterboxd", "imdb", "criticker", "movielens", "plain"]
assert set(KINDS) == set(Kind.__args__)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    dependencies=[needs("read")],
)
async def export(person: PersonId, service: Serving) -> Response:
    """All ratings of a person as CSV, which can be imported again.

    An id or a title that a spreadsheet would take for a formula has an apostrophe in front,
    which importing takes off.
    """
    ratings = await service.read(service.store.ratings, person)
    return Response(
        ledger.take_along(service.artefact.catalogue, ratings),
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
    matched, taken = await service.write(ledger.bring, service, person, content, kind)
    return reply({**matched.as_dict(), "taken": taken})


@router.delete("", status_code=204, dependencies=[needs("write")])
async def erase(person: PersonId, service: Serving) -> Response:
    """Erase a person with everything kept of them, the recommendation log included."""
    await service.erase(person)
    return Response(status_code=204)
