"""Copies of the search index outside of PostgreSQL, and the outbox of the items that they lack

Triggers write the outbox; while there is no copy, they write nothing.

Revision: 0050
Follows: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

NOTE = """
CREATE FUNCTION echoic_note_search_v1(wanted bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO search_changes (copy_id, item_id)
    SELECT search_copies.id, item_id FROM search_copies, unnest(wanted) AS item_id
$$
"""
# What an item shows, and where it is found; other columns change far more often.
NOTE_ITEM = """
CREATE FUNCTION echoic_search_item_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR
       (OLD.status, OLD.transcript_id, OLD.dataset_id, OLD.title, OLD.description, OLD.language, OLD.source_type,
        OLD.published_at) IS DISTINCT FROM
       (NEW.status, NEW.transcript_id, NEW.dataset_id, NEW.title, NEW.description, NEW.language, NEW.source_type,
        NEW.published_at) THEN
        PERFORM echoic_note_search_v1(ARRAY[OLD.id]);
    END IF;
    RETURN NULL;
END $$
"""
NOTE_OWN = """
CREATE FUNCTION echoic_search_own_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM echoic_note_search_v1(array_agg(DISTINCT item_id)) FROM changed WHERE EXISTS (SELECT FROM search_copies)
    HAVING count(*) > 0;
    RETURN NULL;
END $$
"""
NOTE_SEGMENTS = """
CREATE FUNCTION echoic_search_segments_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_copies) THEN RETURN NULL; END IF;
    PERFORM echoic_note_search_v1(array_agg(DISTINCT transcripts.item_id))
    FROM changed JOIN former USING (id) JOIN transcripts ON transcripts.id = changed.transcript_id
    WHERE (changed.text, changed.speaker, changed.confidence, changed.quality, changed.position) IS DISTINCT FROM
          (former.text, former.speaker, former.confidence, former.quality, former.position)
    HAVING count(*) > 0;
    RETURN NULL;
END $$
"""
NOTE_MENTIONS = """
CREATE FUNCTION echoic_search_mentions_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM search_copies) THEN RETURN NULL; END IF;
    PERFORM echoic_note_search_v1(array_agg(DISTINCT transcripts.item_id))
    FROM changed JOIN segments ON segments.id = changed.segment_id
    JOIN transcripts ON transcripts.id = segments.transcript_id HAVING count(*) > 0;
    RETURN NULL;
END $$
"""
NEW = "REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION"
OLD = "REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION"
BOTH = "REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION"
TRIGGERS = (
    "changed AFTER UPDATE OR DELETE ON items FOR EACH ROW EXECUTE FUNCTION echoic_search_item_v1()",
    f"new AFTER INSERT ON search_entries {NEW} echoic_search_own_v1()",
    f"gone AFTER DELETE ON search_entries {OLD} echoic_search_own_v1()",
    f"new AFTER INSERT ON item_speakers {NEW} echoic_search_own_v1()",
    f"changed AFTER UPDATE ON item_speakers {NEW} echoic_search_own_v1()",
    f"gone AFTER DELETE ON item_speakers {OLD} echoic_search_own_v1()",
    f"changed AFTER UPDATE ON entities {NEW} echoic_search_own_v1()",
    f"changed AFTER UPDATE ON segments {BOTH} echoic_search_segments_v1()",
    f"new AFTER INSERT ON mentions {NEW} echoic_search_mentions_v1()",
    f"gone AFTER DELETE ON mentions {OLD} echoic_search_mentions_v1()",
)


def upgrade() -> None:
    op.create_table(
        "search_copies",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("schema_version", sa.BigInteger(), nullable=False),
        sa.Column("loaded_through", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("complete", sa.Boolean(), server_default="false", nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_copies")),
    )
    op.create_table(
        "search_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("copy_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        _now("noted_at"),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        _of_copy("search_changes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_changes")),
    )
    op.create_index("ix_search_changes_copy_id_item_id", "search_changes", ["copy_id", "item_id"])
    op.create_table(
        "search_copied_items",
        sa.Column("copy_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.BigInteger(), nullable=False),
        _of_copy("search_copied_items"),
        sa.PrimaryKeyConstraint("copy_id", "item_id", "library_id", name=op.f("pk_search_copied_items")),
    )
    op.execute("CREATE SEQUENCE search_copy_versions")
    for function in (NOTE, NOTE_ITEM, NOTE_OWN, NOTE_SEGMENTS, NOTE_MENTIONS):
        op.execute(function)
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER echoic_search_{trigger}")


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _of_copy(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_copy_id_search_copies")
    return sa.ForeignKeyConstraint(["copy_id"], ["search_copies.id"], name=name, ondelete="CASCADE")
