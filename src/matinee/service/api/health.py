"""For those who watch over the service: is it alive, is it ready, how does it fare."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from matinee.service.api import schemas
from matinee.service.api.auth import needs
from matinee.service.api.common import Serving, reply
from matinee.service.api.strict import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["health"])


@router.get("/health/live", response_model=schemas.Health)
async def live() -> Response:
    """Whether the process answers at all."""
    return reply({"status": "ok"})


@router.get("/health/ready", response_model=schemas.Health)
async def ready(service: Serving) -> Response:
    """Whether a model serves and the database answers."""
    await service.read(service.store.ping)
    return reply({"status": "ok", "model_version": service.current.version})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    dependencies=[needs("read")],
)
async def metrics(request: Request) -> Response:
    """Prometheus's text format; the sum over all workers."""
    return request.app.state.metrics.page()
