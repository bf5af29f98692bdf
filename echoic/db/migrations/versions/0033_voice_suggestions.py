"""People whose voice a label's may be, for somebody to say yes or no

Revision: 0033
Follows: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voice_suggestions",
        sa.Column("item_speaker_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("speaker_id", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_speaker_id"],
            ["item_speakers.id"],
            name=op.f("fk_voice_suggestions_item_speaker_id_item_speakers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["speakers.id"], name=op.f("fk_voice_suggestions_speaker_id_speakers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_speaker_id", name=op.f("pk_voice_suggestions")),
    )
    op.create_index(op.f("ix_voice_suggestions_speaker_id"), "voice_suggestions", ["speaker_id"], unique=False)
