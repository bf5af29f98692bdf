"""Audio and transcript of an item may have deadlines of their own, and the item says when each was removed

Revision: 0059
Follows: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

PARTS = ("audio", "transcript")


def upgrade() -> None:
    for part in PARTS:
        op.add_column("datasets", sa.Column(f"delete_{part}_after_days", sa.BigInteger()))
        op.add_column("items", sa.Column(f"{part}_expires_at", sa.DateTime(timezone=True)))
        op.create_index(
            f"ix_items_{part}_expires_at",
            "items",
            [f"{part}_expires_at"],
            postgresql_where=sa.text(f"{part}_expires_at IS NOT NULL"),
        )
    op.add_column("items", sa.Column("transcript_removed_at", sa.DateTime(timezone=True)))
    op.add_column("blobs", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_outbox_deliveries_quoting",
        "outbox_deliveries",
        ["type"],
        postgresql_where=sa.text("type IN ('alert.matched', 'alert.digest')"),
    )
