"""Indexes hold what lists of names and of neighbors read, so that these read no rows but of what they show

Revision: 0054
Follows: 0053
"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

INDEXES = (
    ("subject_counts", "dataset_id_mentions", ("dataset_id", "mentions DESC"), "subject_id"),
    ("subject_counts", "dataset_id_type_mentions", ("dataset_id", "type", "mentions DESC"), "subject_id"),
    ("subject_items", "subject_id_dataset_id_item_id", ("subject_id", "dataset_id", "item_id"), "mentions"),
    ("subject_pairs", "subject_id_dataset_id_minutes", ("subject_id", "dataset_id", "minutes DESC"), "other_id"),
)
KEYS = (
    ("subject_counts", "subject_id, dataset_id", "mentions, items"),
    # The sums of a pair over datasets are one stretch of the index.
    ("subject_pairs", "subject_id, other_id, dataset_id", "minutes, items"),
    # So are those of a window of days.
    ("subject_days", "subject_id, day, dataset_id", "mentions, items"),
    ("word_days", "word, day, dataset_id", "mentions, items"),
)


def upgrade() -> None:
    for table, name, columns, included in INDEXES:
        op.drop_index(f"ix_{table}_{name}", table)
        op.create_index(
            f"ix_{table}_{name}", table, [sa.text(column) for column in columns], postgresql_include=[included]
        )
    for table, key, figures in KEYS:
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}, "
            f"ADD CONSTRAINT pk_{table} PRIMARY KEY ({key}) INCLUDE ({figures})"
        )
