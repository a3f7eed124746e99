"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _people()
    _ratings()
    _marks()
    _keys()
    _models()
    _log()
    _attempts()


def _id(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", _id(64), nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("folded", sa.Text),
        sa.Column("passphrase_hash", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="people_pk"),
        sa.UniqueConstraint("folded", name="people_folded_unique"),
    )


def _ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("person", _id(64), nullable=False),
        sa.Column("item", _id(200), nullable=False),
        sa.Column("rating", sa.Double, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", "item", name="ratings_pk"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name="ratings_person_fk", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("person", _id(64), nullable=False),
        sa.Column("item", _id(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", "item", "kind", name="marks_pk"),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name="marks_person_fk", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "kind IN ('watchlist', 'not_interested', 'seen')", name=op.f("marks_kind")
        ),
        sqlite_with_rowid=False,
    )


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", _id(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="keys_pk"),
    )


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("version", _id(200), nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("version", name="models_pk"),
    )
    op.create_index(
        "models_one_active",
        "models",
        ["active"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )


def _log() -> None:
    op.create_table(
        "recommendation_log",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("person", _id(64)),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("fallback", sa.Boolean, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="recommendation_log_pk"),
    )
    op.create_index("recommendation_log_person", "recommendation_log", ["person"])
    op.create_index("recommendation_log_time", "recommendation_log", ["time"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="attempts_pk"),
    )
    op.create_index("attempts_until", "attempts", ["until"])
