"""Messages of alerts say in a column which items they quote

The database makes the column of the body, so that it is right for messages of the previous release as well.

Revision: 0062
Follows: 0061
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

QUOTED = """
CREATE FUNCTION echoic_quoted_items_v1(type text, body text) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN type IN ('alert.matched', 'alert.digest') THEN ARRAY(
        SELECT jsonb_path_query(body::jsonb, '$.data.item_id')::bigint
        UNION SELECT jsonb_path_query(body::jsonb, '$.data.alerts[*].items[*].item_id')::bigint
    ) END
$$
"""


def upgrade() -> None:
    op.execute(QUOTED)
    op.add_column(
        "outbox_deliveries",
        sa.Column(
            "quoted_item_ids",
            sa.ARRAY(sa.BigInteger()),
            sa.Computed("echoic_quoted_items_v1(type, body)", persisted=True),
        ),
    )
    op.create_index(
        "ix_outbox_deliveries_quoted_item_ids", "outbox_deliveries", ["quoted_item_ids"], postgresql_using="gin"
    )
    op.drop_index("ix_outbox_deliveries_quoting", table_name="outbox_deliveries")


def downgrade() -> None:
    op.create_index(
        "ix_outbox_deliveries_quoting",
        "outbox_deliveries",
        ["type"],
        postgresql_where=sa.text("type IN ('alert.matched', 'alert.digest')"),
    )
    op.drop_index("ix_outbox_deliveries_quoted_item_ids", table_name="outbox_deliveries")
    op.drop_column("outbox_deliveries", "quoted_item_ids")
    op.execute("DROP FUNCTION echoic_quoted_items_v1(text, text)")
