"""Is the database whole, of the right version, and what is in it?"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from matinee.errors import StoreError
from matinee.service.store import migrating
from matinee.service.store.backend import Backend
from matinee.service.store.schema import REVISION, metadata
from matinee.service.store.sqlite import safe
from matinee.service.store.store import open_backend

_SQLITE = f"SQLite {sqlite3.sqlite_version}"


@dataclass(frozen=True, slots=True)
class Health:
    """What an examination found.

    Attributes:
        database: Where it is, without its password.
        server: The program that keeps it, and its version.
        schema: The schema version, or None if there are no tables yet.
        rows: Rows by table; empty if the version is not this code's.
        problems: What is wrong; empty if nothing is.
        notes: What is worth knowing.
    """

    database: str
    server: str
    schema: str | None
    rows: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def examine(url: str) -> Health:
    """Examine a database: its pages, its foreign keys, its version, its rows.

    Raises:
        StoreError: If it cannot be opened at all.
    """
    backend = open_backend(url, create=False)
    try:
        damage = _damage(backend)
        if damage:
            return Health(str(backend.place), _SQLITE, None, problems=damage, notes=_notes())
        return Health(str(backend.place), *backend.read(_examine))
    finally:
        backend.close()


def _damage(backend: Backend) -> list[str]:
    if backend.place.path is None:
        return []
    try:
        found = backend.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalars().all())
    except StoreError as error:
        return [error.what]
    return [] if list(found) == ["ok"] else [str(line) for line in found]


def _examine(
    connection: Connection,
) -> tuple[str, str | None, dict[str, int], list[str], list[str]]:
    lite = connection.dialect.name == "sqlite"
    server, notes = (_SQLITE, _notes()) if lite else (_postgres(connection), [])
    try:
        version = migrating.version(connection)
    except StoreError as error:
        return server, None, {}, [error.what], notes
    problems = _orphans(connection) if lite else []
    if version != REVISION:
        problems.append(f"the schema version is {version}, and not {REVISION}")
    rows = _rows(connection) if version == REVISION else {}
    return server, version, rows, problems, notes


def _orphans(connection: Connection) -> list[str]:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    tables = ", ".join(sorted({str(row[0]) for row in orphans}))
    return [f"{len(orphans)} rows belong to nobody, in {tables}"] if orphans else []


def _rows(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def _postgres(connection: Connection) -> str:
    return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"


def _notes() -> list[str]:
    if safe():
        return []
    return [
        f"{_SQLITE} has the WAL-reset bug, which Matinee's one writer"
        " avoids; let no other program write to the file"
    ]
