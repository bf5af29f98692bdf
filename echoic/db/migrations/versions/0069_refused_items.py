"""Items of which a copy of the search index lacks a part, because its engine refuses it

The previous release knows nothing of them: it leaves what is refused in the outbox, where this one finds it.

Revision: 0069
Follows: 0068
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_refused_items",
        sa.Column("copy_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("again_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"],
            ["search_copies.id"],
            name=op.f("fk_search_refused_items_copy_id_search_copies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("copy_id", "item_id", name=op.f("pk_search_refused_items")),
    )
