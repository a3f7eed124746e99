"""The database: people, ratings, marks, keys, models, in SQLite or PostgreSQL."""

from __future__ import annotations

from matinee.service.store.backup import back_up
from matinee.service.store.health import Health, examine
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
from matinee.service.store.upgrading import Upgrade, upgrade

__all__ = [
    "MARKS",
    "SCOPES",
    "Health",
    "Key",
    "LogLimits",
    "LogRow",
    "Mark",
    "ModelRow",
    "NameTaken",
    "Person",
    "Rating",
    "Store",
    "Upgrade",
    "back_up",
    "dialect",
    "digest",
    "examine",
    "key_id",
    "open_store",
    "upgrade",
]
