"""The application: store, model, routes, and what stands before them."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware

from matinee import kernels
from matinee.errors import ConfigError
from matinee.service import api, pages, problems
from matinee.service.deployment import Deployment, Deployments, load
from matinee.service.security import Guard
from matinee.service.service import Service
from matinee.service.settings import ServeSettings
from matinee.service.store import Store, open_store
from matinee.service.telemetry import Metrics, Telemetry


@dataclass(frozen=True, slots=True)
class Opened:
    """What a service needs: its database, and the model that serves."""

    store: Store
    deployments: Deployments


def open_parts(settings: ServeSettings) -> Opened:
    """Open the database and load the model: the run of the settings, else the active one.

    A run that the settings name becomes the active one.

    Raises:
        MatineeError: If either cannot be had, or the settings do not go together.
    """
    settings.make_home()
    kernels.load()
    store = open_store(settings.database)
    try:
        _check_reach(settings, store)
        return Opened(store, Deployments(_first(settings, store)))
    except BaseException:
        store.close()
        raise


def create_app(settings: ServeSettings, opened: Opened | None = None) -> FastAPI:
    """The application.

    Args:
        settings: How it is set up.
        opened: Database and model, if they are open already; they are closed at the end.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        parts = opened or open_parts(settings)
        service = Service(settings, parts.store, parts.deployments, metrics)
        app.state.service = service.start()
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, service.reload_soon)
        if settings.pages:
            app.include_router(pages.router(service))
        yield
        await service.close()
        parts.store.close()
        metrics.close()

    app = FastAPI(
        title="Matinee",
        version=version("matinee"),
        docs_url=None,  # the usual pages load scripts of others
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.metrics = metrics
    api.add_routes(app)
    _add_document(app, settings)
    problems.install(app, pages.error_page if settings.pages else None)
    app.add_middleware(Guard, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_middleware(Telemetry, metrics=metrics)
    return app


def _add_document(app: FastAPI, settings: ServeSettings) -> None:
    document = api.describe(app, settings)
    app.openapi = lambda: document

    async def openapi() -> JSONResponse:
        return JSONResponse(document)

    app.add_api_route("/openapi.json", openapi, include_in_schema=False)


def _first(settings: ServeSettings, store: Store) -> Deployment:
    if settings.run is not None:
        run = str(Path(settings.run).resolve())
        first = load(run, approximate=settings.approximate)
        store.add_model(first.version, run, first.artefact.name)
        store.activate_model(first.version)
        return first
    active = store.active_model()
    if active is None:
        raise ConfigError(
            "there is no model to serve",
            where=str(store),
            expected="the folder of a run",
            remedy="Make one with `matinee demo`, and serve it with `matinee serve runs/demo`.",
        )
    return load(active.run, approximate=settings.approximate)


def _check_reach(settings: ServeSettings, store: Store) -> None:
    """Refuse to let other machines in without keys."""
    if not settings.loopback and not store.keys():
        raise ConfigError(
            f"{settings.host} can be reached from other machines, and there is no API key",
            where="--host",
            expected="127.0.0.1, or at least one key",
            remedy="Make one with `matinee keys create`.",
        )
