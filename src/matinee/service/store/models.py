"""The models the service was told of, and which of them serves."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from matinee.errors import unknown
from matinee.service.store.schema import models
from matinee.service.store.types import ModelRow
from matinee.service.store.upserting import upsert

_COLUMNS = (models.c.version, models.c.run, models.c.name, models.c.created, models.c.active)


def add(connection: Connection, version: str, run: str, name: str, now: int) -> None:
    """Remember a model; one that is known keeps its date, its place and whether it serves."""
    last = connection.execute(select(func.max(models.c.number))).scalar()
    connection.execute(
        upsert(connection, models, "run", "name"),
        {
            "version": version,
            "run": run,
            "name": name,
            "created": now,
            "active": False,
            "number": 0 if last is None else last + 1,
        },
    )


def find(connection: Connection, version: str) -> ModelRow | None:
    """The model of a version."""
    row = connection.execute(select(*_COLUMNS).where(models.c.version == version)).first()
    return None if row is None else ModelRow(*row)


def every(connection: Connection) -> list[ModelRow]:
    """All models, oldest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(models.c.number, models.c.version))
    return [ModelRow(*row) for row in rows]


def active(connection: Connection) -> ModelRow | None:
    """The model that serves."""
    row = connection.execute(select(*_COLUMNS).where(models.c.active)).first()
    return None if row is None else ModelRow(*row)


def activate(connection: Connection, version: str) -> None:
    """Make a model the one that serves.

    Raises:
        UnknownName: If the version is not known.
    """
    # All rows are locked first: two that activate at a time do so one after the other.
    locking = select(models.c.version).order_by(models.c.version).with_for_update()
    versions = list(connection.execute(locking).scalars())
    if version not in versions:
        raise unknown("model version", version, versions)
    connection.execute(update(models).where(models.c.active).values(active=False))
    connection.execute(update(models).where(models.c.version == version).values(active=True))
