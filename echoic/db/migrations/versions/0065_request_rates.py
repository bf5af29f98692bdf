"""Requests per minute are counted for all servers together

Not logged, so that counting waits for neither a disk nor a standby.

Revision: 0065
Follows: 0064
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_rates",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_request_rates_account_id_accounts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_request_rates")),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": 50},
    )


def downgrade() -> None:
    op.drop_table("request_rates")
