"""PostgreSQL, by psycopg 3: each write a transaction on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import SelectBase

from matinee.errors import StoreError
from matinee.service.store.direct import Rows, fetch
from matinee.service.store.failing import told
from matinee.service.store.places import Place

T = TypeVar("T")

CONNECTIONS = 16
PATIENCE = 10
"""Seconds to wait for a connection."""

TRIES = 5
AGAIN = {"40001", "40P01"}
"""Serialisation failure and deadlock: the database asks for another try."""


class Postgres:
    """A database on a server.

    Args:
        place: Where it is.

    Raises:
        StoreError: If psycopg is not installed.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        url = place.url.update_query_dict(
            {"connect_timeout": str(PATIENCE), "client_encoding": "utf8"}, append=False
        )
        try:
            self._engine = create_engine(
                url,
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=PATIENCE,
                pool_pre_ping=True,  # so that a server that was restarted is met afresh
            )
        except ImportError as error:
            raise StoreError(
                "PostgreSQL needs psycopg, which is not installed",
                where=str(place),
                remedy="Install it with `pip install 'matinee[postgres]'`.",
            ) from error
        # What one transaction reads is of one moment, as in SQLite.
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def read(self, question: Callable[[Connection], T]) -> T:
        """Run a function that reads; all it reads is of one moment."""
        with told(self.place), self._reading.begin() as connection:
            return question(connection)

    def fetch(self, statement: SelectBase, every: Sequence[Mapping[str, Any]]) -> list[Rows]:
        """The rows of a statement for each set of parameters; those of one are of one moment."""
        with told(self.place):
            return fetch(self._engine, self.place, statement, every)

    def write(self, change: Callable[[Connection], T]) -> T:
        """Run a function that writes; what it wrote is on the disk when this returns."""
        for _ in range(TRIES - 1):
            try:
                return self._write_once(change)
            except StoreError as error:
                if not _may_try_again(error):
                    raise
        return self._write_once(change)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _write_once(self, change: Callable[[Connection], T]) -> T:
        with told(self.place), self._engine.begin() as connection:
            return change(connection)


def _may_try_again(error: StoreError) -> bool:
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in AGAIN
