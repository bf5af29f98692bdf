"""Transcripts and chapters that publishers give with their episodes; recordings that were fetched whole

Revision: 0048
Follows: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed_entries", sa.Column("is_whole", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "published_texts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("feed_id", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "url")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("media_type", "language")),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("error_code", "error_message", "form", "body")),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('transcript', 'chapters')", name=op.f("ck_published_texts_kind")),
        sa.CheckConstraint("state IN ('waiting', 'kept', 'failed')", name=op.f("ck_published_texts_state")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_published_texts_item_id_items"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.id"], name=op.f("fk_published_texts_feed_id_feeds"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_texts")),
        sa.UniqueConstraint("item_id", "kind", "url", name=op.f("uq_published_texts_item_id_kind_url")),
    )
    op.create_index(op.f("ix_published_texts_feed_id"), "published_texts", ["feed_id"])
    op.create_index(
        "ix_published_texts_retry_at", "published_texts", ["retry_at"], postgresql_where=sa.text("state = 'waiting'")
    )
