"""Administrators, and accounts that are locked

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("accounts", sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE accounts SET is_admin = true WHERE id = (SELECT min(id) FROM accounts)")
