"""What a stage wants to be known of the item

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stage_results", sa.Column("notices", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False))
