"""Embeddings are found by the model that made them

Revision: 0045
Follows: 0044
"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_segment_embeddings_model", "segment_embeddings", ["model", "transcript_id"])


def downgrade() -> None:
    op.drop_index("ix_segment_embeddings_model", table_name="segment_embeddings")
