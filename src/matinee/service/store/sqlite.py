"""SQLite: any number of readers, one writer, and never two checkpoints at once.

Versions of SQLite before 3.51.3 (but for 3.50.7 and 3.44.6 and what follows them in their
lines) can damage a database in WAL mode when one connection commits while another runs a
checkpoint (https://www.sqlite.org/wal.html#walresetbug). Here that cannot happen: one
connection of the process commits and checkpoints, in turn; every process does so only while
it holds a lock file; and the connections that read are opened read-only, which cannot
checkpoint.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.selectable import SelectBase

from matinee.errors import StoreError
from matinee.service.store.direct import Rows, fetch
from matinee.service.store.failing import told
from matinee.service.store.filelock import FileLock
from matinee.service.store.places import Place
from matinee.service.store.writer import GroupWriter

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds to wait for a lock."""

READERS = 32
"""Connections that read, at most; one a thread."""

FIXED = {(3, 44): 6, (3, 50): 7, (3, 51): 3}
"""The first version of each older line without the WAL-reset bug."""

WRITING = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",  # on a Mac an ordinary sync stops at the drive's cache
    "PRAGMA checkpoint_fullfsync=1",
    "PRAGMA foreign_keys=1",
    "PRAGMA wal_autocheckpoint=1000",  # pages; done by the commit, so under the lock
    "PRAGMA journal_size_limit=67108864",
)
READING = ("PRAGMA wal_autocheckpoint=0",)


def safe(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether a version of SQLite is without the WAL-reset bug."""
    line = version[:2]
    return line >= (3, 52) or (line in FIXED and version[2] >= FIXED[line])


class Sqlite:
    """A database in one file.

    Args:
        place: The file.
        create: Make it if it is not there.

    Raises:
        StoreError: If it is not there, or cannot be opened.
    """

    def __init__(self, place: Place, *, create: bool) -> None:
        self.place = place
        _make_file(place, create=create)
        self._reading = _engine(place, "ro", READING, begin="BEGIN", connections=READERS)
        self._writing = _engine(place, "rw", WRITING, begin="BEGIN IMMEDIATE", connections=1)
        self.read(_look)  # before anything is made beside a file that is no database
        self._lock = FileLock(_beside(place, ".lock"), PATIENCE)
        self._writer = GroupWriter(self._transaction)

    def read(self, question: Callable[[Connection], T]) -> T:
        """Run a function that reads; all it reads is of one moment."""
        with told(self.place), self._reading.begin() as connection:
            return question(connection)

    def fetch(self, statement: SelectBase, every: Sequence[Mapping[str, Any]]) -> list[Rows]:
        """The rows of a statement for each set of parameters; those of one are of one moment."""
        with told(self.place):
            return fetch(self._reading, self.place, statement, every)

    def write(self, change: Callable[[Connection], T]) -> T:
        """Run a function that writes; what it wrote is on the disk when this returns."""
        with told(self.place):
            return self._writer.write(change)

    def close(self) -> None:
        """Write what waits; the last to close puts the log back into the file."""
        self._writer.close()
        self._reading.dispose()
        with told(self.place), self._lock():
            self._writing.dispose()
        self._lock.close()

    @contextmanager
    def _transaction(self) -> Generator[Connection]:
        with self._lock(), self._writing.begin() as connection:
            yield connection


def connect(place: Place, mode: str, pragmas: tuple[str, ...] = ()) -> sqlite3.Connection:
    """A connection of the driver itself, without its own idea of when a transaction begins.

    Args:
        place: The file.
        mode: 'ro', 'rw' or 'rwc', as in SQLite's URIs.
        pragmas: What to set on it.
    """
    assert place.path is not None
    made = sqlite3.connect(
        f"{place.path.as_uri()}?mode={mode}",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in pragmas:
            with closing(made.execute(pragma)) as cursor:
                _check_mode(place, pragma, cursor.fetchone())
    except BaseException:
        made.close()
        raise
    return made


def _engine(
    place: Place, mode: str, pragmas: tuple[str, ...], *, begin: str, connections: int
) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(place, mode, pragmas),
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=PATIENCE,
    )

    def begin_now(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "begin", begin_now)
    return engine


def _check_mode(place: Place, pragma: str, row: Any) -> None:
    if "journal_mode" in pragma and row != ("wal",):
        raise StoreError(
            "the database cannot be put into WAL mode",
            where=str(place),
            expected="a file on a disk of this machine, not on a network share",
        )


def _make_file(place: Place, *, create: bool) -> None:
    assert place.path is not None
    if place.path.exists():
        return
    if not create:
        raise StoreError(
            "there is no such database",
            where=str(place),
            expected="a file that `matinee serve` or `matinee db upgrade` made",
        )
    try:
        # Nobody else on the machine may read the hashes in it.
        os.close(os.open(place.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return  # another process was faster
    except OSError as error:
        raise StoreError(
            f"the database cannot be made: {error.strerror}", where=str(place)
        ) from error


def _look(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")


def _beside(place: Place, ending: str) -> Path:
    assert place.path is not None
    return place.path.with_name(place.path.name + ending)
