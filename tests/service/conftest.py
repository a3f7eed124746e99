"""Databases to test with: each test that asks for one is run on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from matinee.service.store import Store, open_store
from support.clock import Clock
from support.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Generator[Cluster]:
    """A server for this process's tests; it does not sync, since nothing kills it."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def postgres_template(postgres: Cluster) -> str:
    """The name of a database that has its tables."""
    url = postgres.database()
    open_store(url).close()
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The URL of a database without ratings; SQLite's file is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/people.db"
        return
    server: Cluster = request.getfixturevalue("postgres")
    url = server.database(like=request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture
def clock() -> Clock:
    """A clock that goes when it is told to."""
    return Clock()


@pytest.fixture
def store(database: str, clock: Clock) -> Generator[Store]:
    """An open store."""
    with open_store(database, clock=clock) as made:
        yield made
