"""Versions of who speaks under a transcript's labels

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_states",
        sa.Column("edit_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("after", sa.Boolean(), nullable=False),
        sa.Column("speaker_id", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.CheckConstraint("how IN ('enrolled', 'matched', 'by_hand')", name=op.f("ck_label_states_how")),
        sa.ForeignKeyConstraint(
            ["edit_id"],
            ["transcript_edits.id"],
            name=op.f("fk_label_states_edit_id_transcript_edits"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_label_states_speaker_id_speakers"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("edit_id", "label", "after", name=op.f("pk_label_states")),
    )
    op.create_index(op.f("ix_label_states_speaker_id"), "label_states", ["speaker_id"], unique=False)
