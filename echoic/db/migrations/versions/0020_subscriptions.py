"""Subscriptions, which give no right; viewers of public libraries become subscribers

Who subscribed to a public library was made a viewer before, and so could read what was not yet published. Such viewers
cannot be told from those that an owner named, so all viewers of public libraries become subscribers: an owner may name a
viewer again, but nobody can take back what a stranger read.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOVED = """
WITH moved AS (
    DELETE FROM library_members USING libraries
    WHERE libraries.id = library_members.library_id AND libraries.visibility = 'public' AND role = 'viewer'
    RETURNING library_members.library_id, library_members.account_id, library_members.created_at
)
INSERT INTO library_subscriptions (library_id, account_id, created_at)
SELECT library_id, account_id, created_at FROM moved
"""


def upgrade() -> None:
    op.create_table(
        "library_subscriptions",
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_library_subscriptions_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["library_id"],
            ["libraries.id"],
            name=op.f("fk_library_subscriptions_library_id_libraries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("library_id", "account_id", name=op.f("pk_library_subscriptions")),
    )
    op.create_index(op.f("ix_library_subscriptions_account_id"), "library_subscriptions", ["account_id"])
    op.execute(MOVED)
