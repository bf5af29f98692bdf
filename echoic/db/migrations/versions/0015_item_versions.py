"""Versions are numbered through all transcripts of an item

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Of each item the transcripts that were published, but the first, with the number that their own version 0 gets.
LATER_TRANSCRIPTS = """
    CREATE TEMPORARY TABLE later_transcripts ON COMMIT DROP AS
    SELECT * FROM (
        SELECT transcripts.id, transcripts.created_at,
               sum(transcripts.version + 1) OVER earlier AS first_version
        FROM transcripts
        JOIN items ON items.id = transcripts.item_id
        LEFT JOIN pipeline_queue AS run ON run.id = transcripts.run_id
        WHERE run.state = 'succeeded' OR items.transcript_id = transcripts.id
        WINDOW earlier AS (
            PARTITION BY transcripts.item_id ORDER BY transcripts.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ) AS published WHERE first_version IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("transcript_edits", sa.Column("kind", sa.Text(), server_default="correction", nullable=False))
    op.create_check_constraint(
        op.f("ck_transcript_edits_kind"), "transcript_edits", "kind IN ('correction', 'transcription', 'carried_over')"
    )
    op.execute(LATER_TRANSCRIPTS)
    # In two steps: on its way a number must not be another's.
    op.execute(
        "UPDATE transcript_edits AS edit SET version = -(edit.version + later.first_version), "
        "restores = edit.restores + later.first_version FROM later_transcripts AS later WHERE later.id = edit.transcript_id"
    )
    op.execute("UPDATE transcript_edits SET version = -version WHERE version < 0")
    op.execute(
        "INSERT INTO transcript_edits (transcript_id, version, kind, created_at) "
        "SELECT id, first_version, 'transcription', created_at FROM later_transcripts"
    )
    op.execute(
        "UPDATE transcripts SET version = transcripts.version + later.first_version "
        "FROM later_transcripts AS later WHERE later.id = transcripts.id"
    )
