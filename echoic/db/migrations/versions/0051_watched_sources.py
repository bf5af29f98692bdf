"""Folders and bucket prefixes that fill datasets, and the files seen in them

Revision: 0051
Follows: 0050
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_sources()
    _create_files()


def _create_sources() -> None:
    op.create_table(
        "watched_sources",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("bucket", sa.Text(), nullable=True),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("when_done", sa.Text(), server_default="move", nullable=False),
        sa.Column("look_every_seconds", sa.Double(), nullable=False),
        sa.Column("settle_seconds", sa.Double(), nullable=False),
        _flag("recursive", "true"),
        sa.Column("patterns", ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        _flag("error_files", "true"),
        _flag("paused", "false"),
        _number("looks"),
        _moment("next_look_at", is_now=True),
        _moment("looked_at"),
        _moment("turn_at"),
        sa.Column("files_seen", sa.BigInteger(), nullable=True),
        _number("failed_in_a_row"),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        _moment("held_until"),
        sa.Column("held_code", sa.Text(), nullable=True),
        sa.Column("held_message", sa.Text(), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        _moment("leased_until"),
        _moment("created_at", is_now=True),
        sa.CheckConstraint("when_done IN ('move', 'mark', 'leave')", name=op.f("ck_watched_sources_when_done")),
        sa.CheckConstraint("(folder IS NULL) <> (bucket IS NULL)", name=op.f("ck_watched_sources_place")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_watched_sources_dataset_id_datasets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_watched_sources_account_id_accounts"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_sources")),
    )
    for column in ("dataset_id", "account_id", "next_look_at"):
        op.create_index(op.f(f"ix_watched_sources_{column}"), "watched_sources", [column])


def _create_files() -> None:
    op.create_table(
        "watched_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("identity", "path", "fingerprint")),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        _moment("changed_at", is_now=True),
        sa.Column("look", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("reason", "message", "sidecar")),
        _flag("told_beside", "false"),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        _moment("done_at"),
        _flag("stays", "false"),
        _number("attempts"),
        sa.Column("lease", sa.Uuid(), nullable=True),
        _moment("leased_until"),
        _moment("created_at", is_now=True),
        sa.CheckConstraint("state IN ('settling', 'waiting', 'taken', 'failed')", name=op.f("ck_watched_files_state")),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["watched_sources.id"],
            name=op.f("fk_watched_files_source_id_watched_sources"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_watched_files_item_id_items"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_files")),
        sa.UniqueConstraint("source_id", "identity", name=op.f("uq_watched_files_source_id_identity")),
    )
    op.create_index(op.f("ix_watched_files_item_id"), "watched_files", ["item_id"])
    for name, columns, where in (
        ("waiting", ["source_id", "attempts", "id"], "state = 'waiting'"),
        ("undone", ["source_id"], "state = 'taken' AND done_at IS NULL"),
        ("open", ["source_id", "id"], "state <> 'taken'"),
        ("sha256", ["sha256", "source_id"], "state = 'taken'"),
    ):
        op.create_index(f"ix_watched_files_{name}", "watched_files", columns, postgresql_where=sa.text(where))


def _flag(name: str, default: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _moment(name: str, *, is_now: bool = False) -> sa.Column[datetime]:
    now = sa.text("now()") if is_now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=not is_now)
