"""Copies of the search index learn of the meanings that segments get after they were published

Such as those of corrected segments, and those that another model makes.

Revision: 0063
Follows: 0062
"""

from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

# What is not published yet is noted when it is.
NOTE_MEANINGS = """
CREATE FUNCTION echoic_search_meanings_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_copies) THEN RETURN NULL; END IF;
    PERFORM echoic_note_search_v1(array_agg(DISTINCT items.id))
    FROM changed JOIN items ON items.transcript_id = changed.transcript_id AND items.status = 'published'
    HAVING count(*) > 0;
    RETURN NULL;
END $$
"""
NEW = "REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION echoic_search_meanings_v1()"


def upgrade() -> None:
    op.execute(NOTE_MEANINGS)
    op.execute(f"CREATE TRIGGER echoic_search_new AFTER INSERT ON segment_embeddings {NEW}")
    op.execute(f"CREATE TRIGGER echoic_search_changed AFTER UPDATE ON segment_embeddings {NEW}")
