"""Bring a database up to date by hand, with a copy of it as it was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from matinee.service.store import migrating
from matinee.service.store.backup import back_up
from matinee.service.store.places import Place
from matinee.service.store.schema import REVISION
from matinee.service.store.store import open_backend


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done.

    Attributes:
        database: Which one, without its password.
        before: The schema version it had; None if it had no tables.
        after: The one it has.
        backup: The copy of an SQLite file as it was, if anything was changed.
    """

    database: str
    before: str | None
    after: str
    backup: Path | None


def upgrade(url: str) -> Upgrade:
    """Bring a database to this code's version, or make its tables.

    Raises:
        StoreError: If it is newer than this code, or cannot be opened.
    """
    backend = open_backend(url, create=True)
    try:
        before = backend.read(migrating.version)
        copy = None
        if before not in {None, REVISION} and backend.place.path is not None:
            copy = _copy(url, backend.place)
        backend.write(migrating.upgrade)
    finally:
        backend.close()
    return Upgrade(str(backend.place), before, REVISION, copy)


def _copy(url: str, place: Place) -> Path:
    assert place.path is not None
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    copy = place.path.with_name(f"{place.path.name}.{stamp}.backup")
    back_up(url, copy)
    return copy
