"""What was recommended to whom; no more of it than its limits allow."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from matinee.service.store.schema import log
from matinee.service.store.types import LogLimits, LogRow


def append(connection: Connection, rows: Sequence[LogRow]) -> None:
    """Add rows."""
    if rows:
        connection.execute(insert(log), [_values(row) for row in rows])


def prune(connection: Connection, limits: LogLimits, now: int) -> int:
    """Forget what is too old or too much, from the oldest on; how many rows."""
    old = connection.execute(delete(log).where(log.c.time < now - limits.seconds)).rowcount
    newest = connection.execute(select(func.max(log.c.id))).scalar() or 0
    many = connection.execute(delete(log).where(log.c.id <= newest - limits.rows)).rowcount
    return old + many


def of(connection: Connection, person: str) -> list[LogRow]:
    """What was recommended to a person, oldest first."""
    rows = connection.execute(select(log).where(log.c.person == person).order_by(log.c.id))
    return [
        LogRow(row.person, row.time, row.version, row.fallback, tuple(json.loads(row.items)))
        for row in rows
    ]


def move(connection: Connection, person: str, into: str) -> None:
    """Hand a person's rows over to another."""
    connection.execute(update(log).where(log.c.person == person).values(person=into))


def erase(connection: Connection, person: str) -> bool:
    """Forget a person's rows; whether there were any."""
    return connection.execute(delete(log).where(log.c.person == person)).rowcount > 0


def _values(row: LogRow) -> dict[str, str | int | bool | None]:
    return {
        "person": row.person,
        "time": row.time,
        "version": row.version,
        "fallback": row.fallback,
        "items": json.dumps(row.items, ensure_ascii=False),
    }
