"""Share links, and the moments that they show

Revision: 0043
Follows: 0042
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

OF = (("account_id", "accounts"), ("key_id", "api_keys"), ("grant_id", "oauth_grants"))


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("grant_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("with_audio", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("with_names", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("embed_origins", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        _created_at(),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_shares_{column}_{table}"), ondelete="CASCADE"
            )
            for column, table in OF
        ),
        sa.CheckConstraint("kind IN ('item', 'span', 'search')", name=op.f("ck_shares_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("sha256", name=op.f("uq_shares_sha256")),
    )
    for column, _ in OF:
        op.create_index(op.f(f"ix_shares_{column}"), "shares", [column])
    op.create_table(
        "shared_moments",
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=True),
        sa.Column("end_seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["share_id"], ["shares.id"], name=op.f("fk_shared_moments_share_id_shares"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_shared_moments_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("share_id", "place", name=op.f("pk_shared_moments")),
    )
    op.create_index(op.f("ix_shared_moments_item_id"), "shared_moments", ["item_id"])


def _created_at() -> sa.Column[datetime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
