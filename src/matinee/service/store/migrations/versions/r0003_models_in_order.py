"""Models know their order: two may be added within one second."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Number the models that are there by their time, as far as it tells."""
    op.add_column("models", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
    models = sa.table("models", *map(sa.column, ("version", "created", "number")))
    earlier = models.alias()
    before = sa.or_(
        earlier.c.created < models.c.created,
        sa.and_(earlier.c.created == models.c.created, earlier.c.version < models.c.version),
    )
    count = sa.select(sa.func.count()).select_from(earlier).where(before).scalar_subquery()
    op.execute(sa.update(models).values(number=count))
