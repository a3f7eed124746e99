"""The database: people, ratings, marks, keys, models, in SQLite or PostgreSQL."""

from __future__ import annotations

from matinee.service.store.keys import digest, key_id
from matinee.service.store.places import dialect
from matinee.service.store.store import Store, open_store
from matinee.service.store.types import (
    MARKS,
    SCOPES,
    Key,
    LogLimits,
    LogRow,
    Mark,
    ModelRow,
    NameTaken,
    Person,
    Rating,
)

__all__ = [
    "MARKS",
    "SCOPES",
    "Key",
    "LogLimits",
    "LogRow",
    "Mark",
    "ModelRow",
    "NameTaken",
    "Person",
    "Rating",
    "Store",
    "dialect",
    "digest",
    "key_id",
    "open_store",
]
