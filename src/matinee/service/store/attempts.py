"""How often something was tried of late, so that guessing passphrases takes for ever."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, select

from matinee.service.store.schema import attempts
from matinee.service.store.upserting import touch, upsert


def attempt(connection: Connection, key: str, *, limit: int, window: int, now: int) -> bool:
    """Count one more; whether it is within the limit.

    Args:
        connection: The database.
        key: Who tries what: a name, an address. Only its digest is kept.
        limit: Attempts allowed within a window.
        window: Seconds, from the first attempt on.
        now: Unix seconds.
    """
    prune(connection, now)
    row = {"digest": hashlib.sha256(key.encode("utf-8", "replace")).digest()}
    fresh = {**row, "tries": 0, "until": now + window}
    connection.execute(touch(connection, attempts), fresh)
    there = select(attempts).where(attempts.c.digest == row["digest"])
    found = connection.execute(there).one()
    connection.execute(
        upsert(connection, attempts), {**row, "tries": found.tries + 1, "until": found.until}
    )
    return found.tries < limit


def prune(connection: Connection, now: int) -> None:
    """Forget the windows that have passed."""
    connection.execute(delete(attempts).where(attempts.c.until <= now))
