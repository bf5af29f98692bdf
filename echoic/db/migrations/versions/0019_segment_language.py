"""Segments know their language where it is another than the transcript's

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("language", sa.Text(), nullable=True))
