"""The speakers of a transcript are found in an index

Lists of items show who speaks in each. Without the index, all segments of their transcripts would be read for that.

Revision: 0031
Follows: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_segments_transcript_id_speaker", "segments", ["transcript_id", "speaker"])
