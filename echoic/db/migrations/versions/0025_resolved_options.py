"""The options of a run as they were resolved when it started

Runs that are under way have none: their next stage resolves them. The previous release passes over the column.

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pipeline_queue", sa.Column("resolved_options", postgresql.JSONB(), nullable=True))
