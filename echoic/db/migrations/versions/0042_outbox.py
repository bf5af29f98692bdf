"""Webhooks, and the outbox of what they are told

Revision: 0042
Follows: 0041
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("events", ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary(), nullable=True),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        _now("created_at"),
        *_references("webhooks", ("account_id", "accounts"), ("dataset_id", "datasets")),
        sa.CheckConstraint(
            "disabled_reason IN ('by_owner', 'failed', 'gone')", name=op.f("ck_webhooks_disabled_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    _indexes("webhooks", "account_id", "dataset_id")
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "outbox_deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        _now("due_at"),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        _now("created_at"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_references("outbox_deliveries", ("webhook_id", "webhooks")),
        sa.CheckConstraint(
            "state IN ('waiting', 'paused', 'delivered', 'failed', 'withheld')", name=op.f("ck_outbox_deliveries_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_deliveries")),
    )
    op.create_index(
        "ix_outbox_deliveries_due_at", "outbox_deliveries", ["due_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index("ix_outbox_deliveries_webhook_id_created_at", "outbox_deliveries", ["webhook_id", "created_at"])
    _indexes("outbox_deliveries", "ended_at")
    op.create_table(
        "outbox_attempts",
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        _now("at"),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        *_references("outbox_attempts", ("delivery_id", "outbox_deliveries")),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_outbox_attempts")),
    )


def downgrade() -> None:
    for table in ("outbox_attempts", "outbox_deliveries", "webhooks"):
        op.drop_table(table)


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _references(table: str, *columns: tuple[str, str]) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), ondelete="CASCADE"
        )
        for column, other in columns
    ]


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
