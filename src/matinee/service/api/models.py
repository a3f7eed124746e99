"""Models: which there are, which serves, letting another serve."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import Serving, reply
from matinee.service.api.strict import StrictRoute
from matinee.service.refusals import BadRequest, NotFound
from matinee.service.service import Service
from matinee.service.store import ModelRow

router = APIRouter(route_class=StrictRoute, prefix="/v1/models", tags=["models"])

Version = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$", description="A model's version.")]


@router.get("", response_model=schemas.Models, dependencies=[needs("read")])
async def every(service: Serving) -> Response:
    """All models that were ever registered, oldest first."""
    rows = await service.read(service.store.models)
    return reply({"items": [_shown(row, service) for row in rows]})


@router.get("/current", response_model=schemas.Model, dependencies=[needs("read")])
async def current(service: Serving) -> Response:
    """The model that serves."""
    return reply(await _one(service, service.current.version))


@router.post("", status_code=201, response_model=schemas.Model, dependencies=[needs("admin")])
async def register(wanted: schemas.RunToRegister, service: Serving) -> Response:
    """Load a run, try it, and make it known; it does not serve yet.

    Only runs that lie beside the one that serves can be named.
    """
    if FilePath(wanted.run).name != wanted.run or "\0" in wanted.run:
        raise BadRequest(
            "this is a path", where="body.run", expected="the name of a folder, without a path"
        )
    folder = FilePath(service.artefact.run).parent / wanted.run
    made = await service.register(str(folder))
    return reply(await _one(service, made.version), 201)


@router.post("/{version}/activate", response_model=schemas.Model, dependencies=[needs("admin")])
async def activate(version: Version, service: Serving) -> Response:
    """Let a model serve.

    It is loaded beside the one that serves, tried, and swapped in at once; on any failure the
    old one serves on. Other workers follow within seconds.
    """
    made = await service.activate(version)
    return reply(await _one(service, made.version))


async def _one(service: Service, version: str) -> dict[str, object]:
    for row in await service.read(service.store.models):
        if row.version == version:
            return _shown(row, service)
    raise NotFound(f"there is no model of version {version!r}", where="version")


def _shown(row: ModelRow, service: Service) -> dict[str, object]:
    """A model; which one serves is this worker's word, since it answers by it."""
    return {**asdict(row), "active": row.version == service.current.version}
