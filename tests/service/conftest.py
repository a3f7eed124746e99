"""Databases to test with: each test that asks for one is run on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from matinee.service.store import Store, open_store
from matinee.service.store.schema import metadata
from support.clock import Clock
from support.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Generator[Cluster]:
    """A server for this process's tests; it does not sync, since nothing kills it."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="session")
def postgres_tables(postgres: Cluster) -> str:
    """The URL of a database that has its tables."""
    url = postgres.database()
    open_store(url).close()
    return url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder of an awkward name."""
    folder = tmp_path / "a b#c?d%20é"
    folder.mkdir()
    return folder / "people.db"


@pytest.fixture
def url(path: Path) -> str:
    """Its URL."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The URL of a database with nothing in it; SQLite's file is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/people.db"
        return
    url: str = request.getfixturevalue("postgres_tables")
    yield url
    # Much faster than a new database for each test.
    with psycopg.connect(url) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))


@pytest.fixture
def clock() -> Clock:
    """A clock that goes when it is told to."""
    return Clock()


@pytest.fixture
def store(database: str, clock: Clock) -> Generator[Store]:
    """An open store."""
    with open_store(database, clock=clock) as made:
        yield made
