"""API keys: tokens of 256 random bits, of which only a digest is kept.

A token is `mt_<id>_<secret>`. The id finds the row; the digest of the whole token is then
compared in constant time. A plain SHA-256 is enough, since nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from matinee.service.store.schema import keys
from matinee.service.store.types import Key

_ID = re.compile(r"[0-9a-f]{12}")
_BY_ID = select(keys).where(keys.c.id == bindparam("id"))
_TOKEN = re.compile(rf"mt_({_ID.pattern})_[A-Za-z0-9_-]{{43}}")


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def key_id(token: str) -> str | None:
    """The id in a token, or None if it has not the form of one."""
    found = _TOKEN.fullmatch(token)
    return None if found is None else found[1]


def create(
    connection: Connection, name: str, scopes: Iterable[str], expires: int | None, now: int
) -> tuple[Key, str]:
    """A new key, and its token, which is nowhere else."""
    identity = secrets.token_hex(6)
    token = f"mt_{identity}_{secrets.token_urlsafe(32)}"
    key = Key(identity, name, frozenset(scopes), digest(token), now, expires, None)
    connection.execute(
        insert(keys).values(
            id=key.id,
            name=key.name,
            scopes=" ".join(sorted(key.scopes)),
            digest=key.digest,
            created=key.created,
            expires=key.expires,
        )
    )
    return key, token


def find(connection: Connection, identity: str) -> Key | None:
    """The key of an id, valid or not."""
    if _ID.fullmatch(identity) is None:
        return None
    row = connection.execute(_BY_ID, {"id": identity}).first()
    return None if row is None else _key(row)


def every(connection: Connection) -> list[Key]:
    """All keys, oldest first."""
    rows = connection.execute(select(keys).order_by(keys.c.created, keys.c.id))
    return [_key(row) for row in rows]


def revoke(connection: Connection, identity: str, now: int) -> bool:
    """Make a key invalid for good; whether it was not yet."""
    if _ID.fullmatch(identity) is None:
        return False
    change = update(keys).where(keys.c.id == identity, keys.c.revoked.is_(None))
    return connection.execute(change.values(revoked=now)).rowcount > 0


def _key(row: Row[tuple[object, ...]]) -> Key:
    return Key(
        row.id,
        row.name,
        frozenset(row.scopes.split()),
        row.digest,
        row.created,
        row.expires,
        row.revoked,
    )
