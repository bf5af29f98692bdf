"""The vectors of a transcript are found without its segments

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # To bring this index up to date takes longer than to make it anew, as is done after the migrations (migrate.py).
    op.execute("DROP INDEX IF EXISTS ix_segment_embeddings_vector")
    op.add_column("segment_embeddings", sa.Column("transcript_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE segment_embeddings SET transcript_id = segments.transcript_id "
        "FROM segments WHERE segments.id = segment_embeddings.segment_id"
    )
    op.alter_column("segment_embeddings", "transcript_id", nullable=False)
    op.create_index(op.f("ix_segment_embeddings_transcript_id"), "segment_embeddings", ["transcript_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_segment_embeddings_transcript_id_transcripts"),
        "segment_embeddings",
        "transcripts",
        ["transcript_id"],
        ["id"],
        ondelete="CASCADE",
    )
