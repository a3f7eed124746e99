"""Reading by the driver itself: SQLAlchemy compiles the statement once, and is then out of it.

What SQLAlchemy does around each execution takes several times as long as a small read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, Engine
from sqlalchemy.sql.selectable import SelectBase

from matinee.service.store.failing import failure
from matinee.service.store.places import Place

Rows = Sequence[Any]


def fetch(
    engine: Engine, place: Place, statement: SelectBase, every: Sequence[Mapping[str, Any]]
) -> list[Rows]:
    """The rows of a statement for each of several sets of parameters.

    Those of one set are of one moment; those of another may be of another.

    Raises:
        StoreError: If the database cannot be used.
    """
    sql, places = _compiled(statement, engine.dialect)
    pooled = engine.raw_connection()
    try:
        cursor = pooled.cursor()
        found: list[Rows] = []
        for given in every:
            cursor.execute(sql, given if places is None else [given[name] for name in places])
            found.append(cursor.fetchall())
        return found
    except engine.dialect.loaded_dbapi.Error as error:
        pooled.invalidate(error)
        raise failure(place, error) from error
    finally:
        pooled.close()


@cache
def _compiled(statement: SelectBase, dialect: Dialect) -> tuple[str, Sequence[str] | None]:
    """The text of a statement, and its parameters in order where they have no names."""
    compiled: Any = statement.compile(dialect=dialect)
    return compiled.string, compiled.positiontup
