"""Uploads of which the beginning is kept where nobody takes them up again

Revision: 0029
Follows: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "uploads", sa.Column("keeps_abandoned", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("items", sa.Column("upload_abandoned", sa.Boolean(), server_default=sa.text("false"), nullable=False))
