"""The service, started in this process on toy data."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from matinee.artefact import Artefact
from matinee.service.app import create_app
from matinee.service.server import Config, address, listen
from matinee.service.settings import ServeSettings

with warnings.catch_warnings():  # Starlette would rather have a fork of httpx
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

__all__ = ["TestClient", "listening", "saved", "serving"]


def saved(run: Artefact, folder: Path) -> str:
    """A run, written to a folder."""
    return str(run.save(folder).run)


@contextmanager
def serving(**settings: Any) -> Generator[TestClient]:
    """A client of a service with these settings; by default the API alone, and no rate limit."""
    app = create_app(ServeSettings(**{"pages": False, "rate": 0, **settings}))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@contextmanager
def listening(**settings: Any) -> Generator[str]:
    """The address of a service that listens on a free port, from a thread of this process."""
    chosen = ServeSettings(**{"pages": False, "rate": 0, "port": 0, **settings})
    server = uvicorn.Server(Config(chosen, create_app(chosen)))
    with listen(chosen) as taken:
        thread = threading.Thread(target=server.run, args=([taken],))
        thread.start()
        try:
            yield address(chosen, taken)
        finally:
            server.should_exit = True
            thread.join()
