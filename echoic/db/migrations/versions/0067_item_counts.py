"""Items are counted by dataset and status as they change

So that lists tell how many there are without a look at every item. Each transaction adds rows of its own and waits for nobody's:
the count is their sum, and upkeep makes one row of many. Whatever changes an item, the previous release included, keeps it right.

Revision: 0067
Follows: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

COUNT = """
CREATE FUNCTION echoic_count_items_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO item_counts (dataset_id, status, items)
        SELECT dataset_id, status, count(*) FROM changed GROUP BY dataset_id, status;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO item_counts (dataset_id, status, items)
        SELECT dataset_id, status, -count(*) FROM changed GROUP BY dataset_id, status;
    ELSE
        INSERT INTO item_counts (dataset_id, status, items)
        VALUES (OLD.dataset_id, OLD.status, -1), (NEW.dataset_id, NEW.status, 1);
    END IF;
    RETURN NULL;
END $$
"""
STATEMENT = "FOR EACH STATEMENT"
ROW = "FOR EACH ROW WHEN ((OLD.dataset_id, OLD.status) <> (NEW.dataset_id, NEW.status))"
TRIGGERS = (
    f"echoic_count_inserted AFTER INSERT ON items REFERENCING NEW TABLE AS changed {STATEMENT}",
    f"echoic_count_deleted AFTER DELETE ON items REFERENCING OLD TABLE AS changed {STATEMENT}",
    f"echoic_count_changed AFTER UPDATE OF dataset_id, status ON items {ROW}",
)


def upgrade() -> None:
    op.create_table(
        "item_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_counts")),
    )
    op.create_index(op.f("ix_item_counts_dataset_id"), "item_counts", ["dataset_id"])
    op.execute(COUNT)
    # Before what is there is counted: from here on nobody changes an item until the migration has ended.
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION echoic_count_items_v1()")
    op.execute(
        "INSERT INTO item_counts (dataset_id, status, items) "
        "SELECT dataset_id, status, count(*) FROM items GROUP BY dataset_id, status"
    )


def downgrade() -> None:
    for trigger in TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger.split()[0]} ON items")
    op.execute("DROP FUNCTION echoic_count_items_v1")
    op.drop_table("item_counts")
