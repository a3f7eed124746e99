"""Insert a row, or meet the one of the same primary key."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert


def upsert(connection: Connection, table: Table, *replaced: str) -> Insert:
    """The statement that inserts a row or replaces the one that is there.

    Its parameters are the columns of the table.

    Args:
        connection: Tells the dialect.
        table: The table.
        replaced: Columns to replace in a row that is there; by default all.
    """
    keys = {column.name for column in table.primary_key}
    rest = tuple(column.name for column in table.columns if column.name not in keys)
    return _statement(connection.dialect.name, table, replaced or rest)


def touch(connection: Connection, table: Table) -> Insert:
    """The statement that inserts a row or locks the one that is there, and leaves it as it is."""
    return _statement(connection.dialect.name, table, (table.primary_key.columns[0].name,))


@cache
def _statement(dialect: str, table: Table, replaced: tuple[str, ...]) -> Insert:
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in replaced},
    )
