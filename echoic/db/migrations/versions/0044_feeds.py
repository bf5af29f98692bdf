"""Feeds of podcasts, their entries, and the dates on which episodes were published

Revision: 0044
Follows: 0043
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("publish_date", sa.DateTime(timezone=True), nullable=True))
    _create_feeds()
    _create_entries()
    _create_parts()


def _create_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=True),
        sa.Column("is_private", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("podcast", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        _moment("newest_at"),
        sa.Column("repeated", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _moment("next_poll_at", is_now=True),
        _moment("polled_at"),
        _moment("read_at"),
        sa.Column("failed_in_a_row", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        _moment("moved_at"),
        _moment("ended_at"),
        sa.Column("lease", sa.Uuid(), nullable=True),
        _moment("leased_until"),
        _moment("created_at", is_now=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_feeds_dataset_id_datasets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_feeds_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("dataset_id", name=op.f("uq_feeds_dataset_id")),
    )
    op.create_index(op.f("ix_feeds_account_id"), "feeds", ["account_id"])
    op.create_index(op.f("ix_feeds_next_poll_at"), "feeds", ["next_poll_at"])


def _create_entries() -> None:
    op.create_table(
        "feed_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("feed_id", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("guid", "title", "description")),
        _moment("published_at"),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("link", "enclosure_url", "enclosure_key", "enclosure_type")
        ),
        sa.Column("enclosure_bytes", sa.BigInteger(), nullable=True),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _moment("retry_at", is_now=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        _moment("leased_until"),
        sa.Column("validator", sa.Text(), nullable=True),
        _moment("enclosure_changed_at"),
        _moment("created_at", is_now=True),
        sa.CheckConstraint(
            "state IN ('new', 'waiting', 'taken', 'left_out', 'failed')", name=op.f("ck_feed_entries_state")
        ),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feeds.id"], name=op.f("fk_feed_entries_feed_id_feeds"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_feed_entries_item_id_items"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_entries")),
        sa.UniqueConstraint("feed_id", "identity", name=op.f("uq_feed_entries_feed_id_identity")),
    )
    op.create_index(op.f("ix_feed_entries_item_id"), "feed_entries", ["item_id"])
    op.create_index(
        "ix_feed_entries_retry_at", "feed_entries", ["retry_at"], postgresql_where=sa.text("state = 'waiting'")
    )


def _create_parts() -> None:
    op.create_table(
        "feed_entry_parts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["feed_entries.id"],
            name=op.f("fk_feed_entry_parts_entry_id_feed_entries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_entry_parts")),
        sa.UniqueConstraint("key", name=op.f("uq_feed_entry_parts_key")),
    )
    op.create_index(op.f("ix_feed_entry_parts_entry_id"), "feed_entry_parts", ["entry_id"])


def _moment(name: str, *, is_now: bool = False) -> sa.Column[datetime]:
    now = sa.text("now()") if is_now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=not is_now)
