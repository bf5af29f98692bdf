"""Signed receipts say what was deleted, and stay when it is gone

Revision: 0058
Follows: 0057
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deletion_receipts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_account_id", sa.BigInteger(), nullable=True),
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("keys_left", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("confirmation", sa.Text(), nullable=True),
        sa.Column("confirmation_signature", sa.Text(), nullable=True),
        sa.CheckConstraint("removed IN ('item', 'audio', 'transcript')", name="ck_deletion_receipts_removed"),
        sa.PrimaryKeyConstraint("id", name="pk_deletion_receipts"),
        sa.ForeignKeyConstraint(
            ["owner_account_id"],
            ["accounts.id"],
            name="fk_deletion_receipts_owner_account_id_accounts",
            ondelete="SET NULL",
        ),
    )
    for columns in (("owner_account_id", "deleted_at"), ("library_id", "deleted_at"), ("item_id",)):
        op.create_index(f"ix_deletion_receipts_{'_'.join(columns)}", "deletion_receipts", list(columns))
    op.create_index(
        "ix_deletion_receipts_unconfirmed",
        "deletion_receipts",
        ["deleted_at"],
        postgresql_where=sa.text("confirmation IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("deletion_receipts")
