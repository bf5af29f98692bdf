"""Items may have a deadline, their own or their dataset's, and be held back from being deleted

Revision: 0052
Follows: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

HELD = ("datasets", "items")


def upgrade() -> None:
    op.add_column("datasets", sa.Column("delete_after_days", sa.BigInteger()))
    op.add_column("items", sa.Column("expires_at", sa.DateTime(timezone=True)))
    for table in HELD:
        op.add_column(table, sa.Column("legal_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("ix_items_expires_at", "items", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL"))
