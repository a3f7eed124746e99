"""The tables, as SQLAlchemy sees them; `migrations/` makes and changes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

REVISION = "0003"
"""The schema version that this code reads and writes: the newest migration."""

PERSON_ID = 64
ITEM_ID = 200

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_name)s_unique",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_name)s",
    }
)


def _id(length: int) -> String:
    # Ordered by code point in both databases, whatever the language of the server.
    return String(length).with_variant(String(length, collation="C"), "postgresql")


people = Table(
    "people",
    metadata,
    Column("id", _id(PERSON_ID), primary_key=True),
    Column("name", Text),
    Column("folded", Text, unique=True),  # the name without case; two accounts never share it
    Column("passphrase_hash", Text),
    Column("created", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),  # of sessions
)

ratings = Table(
    "ratings",
    metadata,
    Column("person", ForeignKey(people.c.id, ondelete="CASCADE"), primary_key=True),
    Column("item", _id(ITEM_ID), primary_key=True),
    Column("rating", Double, nullable=False),
    Column("time", BigInteger, nullable=False),
    sqlite_with_rowid=False,  # a person's ratings lie side by side on the disk
)

marks = Table(
    "marks",
    metadata,
    Column("person", ForeignKey(people.c.id, ondelete="CASCADE"), primary_key=True),
    Column("item", _id(ITEM_ID), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("time", BigInteger, nullable=False),
    CheckConstraint("kind IN ('watchlist', 'not_interested', 'seen')", name="kind"),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    Column("id", _id(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # separated by spaces
    Column("digest", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("revoked", BigInteger),
)

models = Table(
    "models",
    metadata,
    Column("version", _id(200), primary_key=True),
    Column("run", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("number", Integer, nullable=False, server_default="0"),  # which came after which
)
Index(
    "models_one_active",
    models.c.active,
    unique=True,
    sqlite_where=text("active"),
    postgresql_where=text("active"),
)

log = Table(
    "recommendation_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # Not a foreign key: people of the training data are recommended to as well.
    Column("person", _id(PERSON_ID), index=True),
    Column("time", BigInteger, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("fallback", Boolean, nullable=False),
    Column("items", Text, nullable=False),  # a JSON list
)

attempts = Table(
    "attempts",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)
