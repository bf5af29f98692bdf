"""Changes of items, runs, datasets, libraries and memberships are told to those who listen

Revision: 0027
Follows: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Of what only the work on an item changes, those who are no members are told nothing.
TELL_ITEM = """
CREATE FUNCTION echoic_tell_item_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.dataset_id <> NEW.dataset_id THEN
        PERFORM pg_notify('echoic_changes', concat_ws(' ', 'gone', OLD.id, OLD.dataset_id, library_id, OLD.status))
        FROM datasets WHERE id = OLD.dataset_id;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_notify('echoic_changes', 'item ' || NEW.id);
    ELSIF TG_OP = 'UPDATE' THEN
        IF (OLD.dataset_id, OLD.title, OLD.description, OLD.status, OLD.transcript_id, OLD.language, OLD.published_at)
            IS DISTINCT FROM
           (NEW.dataset_id, NEW.title, NEW.description, NEW.status, NEW.transcript_id, NEW.language, NEW.published_at)
        THEN
            PERFORM pg_notify('echoic_changes', 'item ' || NEW.id);
        ELSE
            PERFORM pg_notify('echoic_changes', 'work ' || NEW.id);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""
TELL_RUN = """
CREATE FUNCTION echoic_tell_run_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('echoic_changes', 'work ' || NEW.item_id);
    RETURN NULL;
END $$
"""
TELL_DATASET = """
CREATE FUNCTION echoic_tell_dataset_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('echoic_changes', 'library ' || OLD.library_id);
    RETURN NULL;
END $$
"""
TELL_LIBRARY = """
CREATE FUNCTION echoic_tell_library_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('echoic_changes', 'everybody');
    RETURN NULL;
END $$
"""
TELL_MEMBER = """
CREATE FUNCTION echoic_tell_member_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('echoic_changes', 'account ' || coalesce(NEW.account_id, OLD.account_id));
    RETURN NULL;
END $$
"""
TRIGGERS = (
    "AFTER INSERT OR UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION echoic_tell_item_v1()",
    "AFTER INSERT OR UPDATE OF state, stage, progress_seconds ON pipeline_queue FOR EACH ROW EXECUTE FUNCTION echoic_tell_run_v1()",
    "AFTER DELETE ON datasets FOR EACH ROW EXECUTE FUNCTION echoic_tell_dataset_v1()",
    "AFTER DELETE OR UPDATE OF visibility ON libraries FOR EACH ROW EXECUTE FUNCTION echoic_tell_library_v1()",
    "AFTER INSERT OR UPDATE OR DELETE ON library_members FOR EACH ROW EXECUTE FUNCTION echoic_tell_member_v1()",
)


def upgrade() -> None:
    for function in (TELL_ITEM, TELL_RUN, TELL_DATASET, TELL_LIBRARY, TELL_MEMBER):
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER echoic_tell {trigger}")
