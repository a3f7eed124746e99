"""Sessions of an account can be ended: those of an earlier epoch open nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Begin with epoch 0 for everyone."""
    op.add_column("people", sa.Column("epoch", sa.Integer, nullable=False, server_default="0"))
