"""Alerts, the items in which they are to be looked for, and what they have told

Revision: 0046
Follows: 0045
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("for_alerts", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("outbox_deliveries", sa.Column("alert_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_outbox_deliveries_alert_id"), "outbox_deliveries", ["alert_id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("filters", JSONB(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=True),
        _created_at(),
        _reference("alerts", "account_id", "accounts", "CASCADE"),
        _reference("alerts", "webhook_id", "webhooks", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_account_id"), "alerts", ["account_id"])
    op.create_index(op.f("ix_alerts_webhook_id"), "alerts", ["webhook_id"])
    op.create_table(
        "alert_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("places", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        _created_at(),
        _reference("alert_checks", "item_id", "items", "CASCADE"),
        sa.CheckConstraint("reason IN ('published', 'again', 'edited')", name=op.f("ck_alert_checks_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_checks")),
    )
    op.create_index(op.f("ix_alert_checks_item_id"), "alert_checks", ["item_id"])
    op.create_table(
        "alert_told",
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("spans", ARRAY(sa.Double(), dimensions=2), nullable=False),
        _reference("alert_told", "alert_id", "alerts", "CASCADE"),
        _reference("alert_told", "item_id", "items", "CASCADE"),
        sa.PrimaryKeyConstraint("alert_id", "item_id", name=op.f("pk_alert_told")),
    )
    op.create_index(op.f("ix_alert_told_item_id"), "alert_told", ["item_id"])


def downgrade() -> None:
    for table in ("alert_told", "alert_checks", "alerts"):
        op.drop_table(table)
    op.drop_column("outbox_deliveries", "alert_id")
    op.drop_column("webhooks", "for_alerts")


def _created_at() -> sa.Column[datetime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _reference(table: str, column: str, other: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), ondelete=ondelete
    )
