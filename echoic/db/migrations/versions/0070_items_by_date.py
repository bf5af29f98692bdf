"""Items are found by when they came out, without a look at all others

Revision: 0070
Follows: 0069
"""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_items_came_out_at", "items", [sa.text("coalesce(publish_date, published_at)")])
    # The planner has figures of an expression only once the table was analyzed with its index.
    op.execute("ANALYZE items")
