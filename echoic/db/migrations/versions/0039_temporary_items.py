"""Items that are deleted some time after their work has ended

Revision: 0039
Follows: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("keep_seconds", sa.Float()))
    op.create_index("ix_items_temporary", "items", ["id"], postgresql_where=sa.text("keep_seconds IS NOT NULL"))
