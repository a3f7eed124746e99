"""The schema version of a database: read, made, brought up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select, text

from matinee.errors import StoreError
from matinee.service.store.schema import REVISION

_VERSIONS = Table("alembic_version", MetaData(), Column("version_num", String(32)))

LOCK = 0x6D6174696E6565
"""The number of PostgreSQL's advisory lock that migrations hold: 'matinee' in ASCII."""


def version(connection: Connection) -> str | None:
    """The schema version of a database, or None if it is empty.

    Raises:
        StoreError: If it holds tables of something else.
    """
    tables = inspect(connection).get_table_names()
    if _VERSIONS.name in tables:
        found = connection.execute(select(_VERSIONS.c.version_num)).scalar()
        return None if found is None else str(found)
    if tables:
        raise StoreError(
            f"the database holds other tables ({', '.join(sorted(tables)[:3])})",
            expected="an empty database, or one of Matinee",
        )
    return None


def prepare(connection: Connection) -> None:
    """Make the tables of an empty database; refuse one of another version.

    Raises:
        StoreError: If it is older or newer than this code.
    """
    found = version(connection)
    if found is None:
        upgrade(connection)
    elif found != REVISION:
        refuse_newer(found)
        raise StoreError(
            f"the database has schema version {found}",
            expected=REVISION,
            remedy="Bring it up to date with `matinee db upgrade`.",
        )


def upgrade(connection: Connection) -> None:
    """Bring a database to the version of this code.

    Raises:
        StoreError: If it is newer than this code, or cannot hold every text.
    """
    from alembic import command  # noqa: PLC0415 - a third of a second that most starts can save
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        # Several servers may start at once; the first makes the tables, the others wait.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _check_encoding(connection)
    found = version(connection)
    if found is not None:
        refuse_newer(found)
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def refuse_newer(found: str) -> None:
    """Refuse a schema version that this code does not know.

    Raises:
        StoreError: Naming both versions.
    """
    if not found.isdecimal() or int(found) > int(REVISION):
        raise StoreError(
            f"the database has schema version {found}, of a newer Matinee",
            expected=f"at most {REVISION}",
            remedy="Use the Matinee that wrote it, or newer.",
        )


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"the database has the encoding {encoding}",
            expected="UTF8",
            remedy="Make it with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`.",
        )
