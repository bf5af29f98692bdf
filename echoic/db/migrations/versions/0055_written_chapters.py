"""Titles and sentences of chapters that a language model wrote; datasets say whether one may

Revision: 0055
Follows: 0054
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "datasets", sa.Column("chapters_by_model", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "written_chapters",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("transcript_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("sentences", postgresql.JSONB(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "start_seconds", name="pk_written_chapters"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name="fk_written_chapters_item_id_items", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name="fk_written_chapters_transcript_id_transcripts",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_written_chapters_transcript_id", "written_chapters", ["transcript_id"])


def downgrade() -> None:
    op.drop_table("written_chapters")
    op.drop_column("datasets", "chapters_by_model")
