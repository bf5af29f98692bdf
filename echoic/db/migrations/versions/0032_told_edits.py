"""Corrections of transcripts are told to those who listen, as changes of their items

Revision: 0032
Follows: 0031
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TELL_EDIT = """
CREATE FUNCTION echoic_tell_edit_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('echoic_changes', 'item ' || item_id) FROM transcripts WHERE id = NEW.transcript_id;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(TELL_EDIT)
    op.execute(
        "CREATE TRIGGER echoic_tell AFTER INSERT ON transcript_edits FOR EACH ROW EXECUTE FUNCTION echoic_tell_edit_v1()"
    )
