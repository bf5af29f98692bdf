"""E-mail addresses, mails in the outbox, and daily digests of alerts

Revision: 0053
Follows: 0052
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_addresses",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="unconfirmed", nullable=False),
        _now("state_since"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("confirm_seed", sa.LargeBinary(), nullable=True),
        sa.Column("confirm_until", sa.DateTime(timezone=True), nullable=True),
        _now("created_at"),
        _reference("email_addresses", "account_id", "accounts", "CASCADE"),
        sa.CheckConstraint(
            "state IN ('unconfirmed', 'confirmed', 'unsubscribed', 'refused', 'failed')",
            name=op.f("ck_email_addresses_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_addresses")),
        sa.UniqueConstraint("account_id", "address", name=op.f("uq_email_addresses_account_id_address")),
    )
    op.alter_column("outbox_deliveries", "webhook_id", nullable=True)
    _address("outbox_deliveries", "CASCADE")
    op.create_check_constraint(
        op.f("ck_outbox_deliveries_receiver"), "outbox_deliveries", "num_nonnulls(webhook_id, address_id) = 1"
    )
    _address("alerts", "SET NULL")
    op.add_column("alerts", sa.Column("mail_stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alerts", sa.Column("frequency", sa.Text(), server_default="at_once", nullable=False))
    op.create_check_constraint(op.f("ck_alerts_frequency"), "alerts", "frequency IN ('at_once', 'daily')")
    _digests()


def _digests() -> None:
    op.create_table(
        "alert_digests",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        _reference("alert_digests", "account_id", "accounts", "CASCADE"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_alert_digests")),
    )
    op.create_index(op.f("ix_alert_digests_next_at"), "alert_digests", ["next_at"])
    op.create_table(
        "alert_pending",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        _now("created_at"),
        _reference("alert_pending", "alert_id", "alerts", "CASCADE"),
        _reference("alert_pending", "item_id", "items", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_pending")),
    )
    op.create_index(op.f("ix_alert_pending_alert_id"), "alert_pending", ["alert_id"])
    op.create_index(op.f("ix_alert_pending_item_id"), "alert_pending", ["item_id"])


def downgrade() -> None:
    for table in ("alert_pending", "alert_digests"):
        op.drop_table(table)
    for column in ("frequency", "mail_stopped_at", "address_id"):
        op.drop_column("alerts", column)
    op.execute("DELETE FROM outbox_deliveries WHERE webhook_id IS NULL")
    op.drop_column("outbox_deliveries", "address_id")
    op.alter_column("outbox_deliveries", "webhook_id", nullable=False)
    op.drop_table("email_addresses")


def _address(table: str, ondelete: str) -> None:
    op.add_column(table, sa.Column("address_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f(f"fk_{table}_address_id_email_addresses"),
        table,
        "email_addresses",
        ["address_id"],
        ["id"],
        ondelete=ondelete,
    )
    op.create_index(op.f(f"ix_{table}_address_id"), table, ["address_id"])


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _reference(table: str, column: str, other: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"), ondelete=ondelete
    )
