"""Alerts that can be paused: the time since which each looks

Revision: 0056
Follows: 0055
"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is for the previous release, which goes on making alerts meanwhile.
    op.add_column(
        "alerts",
        sa.Column("active_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=True),
    )
    op.execute("UPDATE alerts SET active_since = created_at")


def downgrade() -> None:
    op.drop_column("alerts", "active_since")
