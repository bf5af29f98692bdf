"""How far a segment can be trusted

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("quality", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_segments_quality"), "segments", "quality IN ('ok', 'doubtful', 'repaired')")
