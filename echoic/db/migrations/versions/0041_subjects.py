"""Names of recordings belong to subjects, and what is asked of a subject is counted once, not at each question

Triggers note which items have changed in a transaction; when it commits, their part of the counts is made again.

Revision: 0041
Follows: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ITEMS_AT_ONCE = 50

KEY = """
CREATE FUNCTION echoic_subject_key_v1(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(btrim(regexp_replace(normalize(name, NFKC), '[[:space:]]+', ' ', 'g')))
$$
"""
# What people have decided for the name comes first, that for one item before that for all of the library.
GIVE = """
CREATE FUNCTION echoic_give_subject_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text := echoic_subject_key_v1(NEW.name);
BEGIN
    SELECT alias.subject_id INTO NEW.subject_id
    FROM subject_aliases alias JOIN datasets ON datasets.library_id = alias.library_id
    JOIN items ON items.dataset_id = datasets.id
    WHERE items.id = NEW.item_id AND alias.type = NEW.type AND alias.key = wanted
        AND (alias.item_id IS NULL OR alias.item_id = NEW.item_id)
    ORDER BY alias.item_id NULLS LAST LIMIT 1;
    IF FOUND THEN RETURN NEW; END IF;
    LOOP
        SELECT id INTO NEW.subject_id FROM subjects
        WHERE library_id IS NULL AND type = NEW.type AND key = wanted FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO subjects (type, key) VALUES (NEW.type, wanted)
        ON CONFLICT (type, key) WHERE library_id IS NULL DO NOTHING RETURNING id INTO NEW.subject_id;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN NEW;
END $$
"""
NOTE_ITEM = """
CREATE FUNCTION echoic_note_item_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO subject_changes (transaction, item_id) VALUES (pg_current_xact_id()::text::bigint, OLD.id);
        RETURN OLD;
    END IF;
    IF (OLD.dataset_id, OLD.transcript_id, OLD.status, OLD.published_at) IS DISTINCT FROM
       (NEW.dataset_id, NEW.transcript_id, NEW.status, NEW.published_at) THEN
        INSERT INTO subject_changes (transaction, item_id) VALUES (pg_current_xact_id()::text::bigint, NEW.id);
    END IF;
    IF OLD.dataset_id <> NEW.dataset_id THEN
        UPDATE entities SET name = name WHERE item_id = NEW.id;  -- another library may have decided otherwise
    END IF;
    RETURN NEW;
END $$
"""
NOTE_MENTIONS = """
CREATE FUNCTION echoic_note_mentions_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subject_changes (transaction, item_id)
    SELECT DISTINCT pg_current_xact_id()::text::bigint, items.id
    FROM changed JOIN segments ON segments.id = changed.segment_id
    JOIN items ON items.transcript_id = segments.transcript_id
    UNION
    SELECT DISTINCT pg_current_xact_id()::text::bigint, entities.item_id
    FROM changed JOIN entities ON entities.id = changed.entity_id JOIN subject_items
        ON subject_items.item_id = entities.item_id AND subject_items.subject_id = entities.subject_id
    WHERE TG_OP = 'DELETE';
    RETURN NULL;
END $$
"""
NOTE_ENTITIES = """
CREATE FUNCTION echoic_note_entities_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subject_changes (transaction, subject_id)
    SELECT DISTINCT pg_current_xact_id()::text::bigint, subject_id FROM changed WHERE subject_id IS NOT NULL;
    RETURN NULL;
END $$
"""
# Deferred, so that each item is counted once, and the lock on the counts is held while the transaction commits only.
FOLLOW = """
CREATE FUNCTION echoic_follow_changes_v1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed_items bigint[];
    left_subjects bigint[];
BEGIN
    WITH mine AS (
        DELETE FROM subject_changes WHERE transaction = pg_current_xact_id()::text::bigint RETURNING item_id, subject_id
    )
    SELECT array_agg(DISTINCT item_id) FILTER (WHERE item_id IS NOT NULL),
        array_agg(DISTINCT subject_id) FILTER (WHERE subject_id IS NOT NULL)
    INTO changed_items, left_subjects FROM mine;
    IF changed_items IS NOT NULL THEN PERFORM echoic_recount_v1(changed_items); END IF;
    IF left_subjects IS NOT NULL THEN
        DELETE FROM subjects WHERE id IN (
            SELECT id FROM subjects WHERE id = ANY(left_subjects) AND library_id IS NULL
                AND NOT EXISTS (SELECT FROM entities WHERE entities.subject_id = subjects.id)
            ORDER BY id FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN NULL;
END $$
"""
# The seed of the advisory locks on the counts of a dataset is 0x7375626A, the bytes of 'subj'.
RECOUNT = """
CREATE FUNCTION echoic_recount_v1(wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before subject_items[];
    after subject_items[];
    changed bigint[];
    one bigint;
BEGIN
    SELECT array_agg(dataset_id ORDER BY dataset_id) INTO changed FROM (
        SELECT dataset_id FROM items WHERE id = ANY(wanted)
        UNION SELECT dataset_id FROM subject_items WHERE item_id = ANY(wanted)
    ) AS touched;
    IF changed IS NULL THEN RETURN; END IF;
    FOREACH one IN ARRAY changed LOOP PERFORM pg_advisory_xact_lock(hashint8extended(one, 1937072746)); END LOOP;
    SELECT array_agg(counted ORDER BY item_id, subject_id) INTO before
    FROM subject_items AS counted WHERE item_id = ANY(wanted);
    SELECT array_agg(named::subject_items ORDER BY item_id, subject_id) INTO after FROM (
        SELECT items.id AS item_id, subjects.id AS subject_id, items.dataset_id,
            (coalesce(items.published_at, items.created_at) AT TIME ZONE 'UTC')::date AS day, subjects.type,
            coalesce(subjects.name, mode() WITHIN GROUP (ORDER BY entities.name)) AS name,
            count(*) AS mentions,
            array_agg(DISTINCT CAST(floor(mentions.start_seconds / 60) AS int)) AS minutes
        FROM items JOIN entities ON entities.item_id = items.id
        JOIN subjects ON subjects.id = entities.subject_id AND NOT subjects.hidden
        JOIN mentions ON mentions.entity_id = entities.id
        JOIN segments ON segments.id = mentions.segment_id AND segments.transcript_id = items.transcript_id
        WHERE items.id = ANY(wanted) AND items.status = 'published'
        GROUP BY items.id, subjects.id
    ) AS named;
    IF before IS NOT DISTINCT FROM after THEN RETURN; END IF;
    DELETE FROM subject_items WHERE item_id = ANY(wanted);
    INSERT INTO subject_items SELECT * FROM unnest(after);

    INSERT INTO subject_counts AS counts (subject_id, dataset_id, type, name, mentions, items)
    SELECT subject_id, dataset_id, min(type), min(name), sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
    GROUP BY subject_id, dataset_id HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
    ON CONFLICT (subject_id, dataset_id) DO UPDATE
        SET mentions = counts.mentions + excluded.mentions, items = counts.items + excluded.items;
    DELETE FROM subject_counts WHERE items = 0 AND dataset_id = ANY(changed);

    INSERT INTO subject_days AS days (subject_id, dataset_id, day, mentions, items)
    SELECT subject_id, dataset_id, day, sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
    GROUP BY subject_id, dataset_id, day HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
    ON CONFLICT (subject_id, dataset_id, day) DO UPDATE
        SET mentions = days.mentions + excluded.mentions, items = days.items + excluded.items;
    DELETE FROM subject_days WHERE items = 0 AND dataset_id = ANY(changed);

    WITH said AS (
        SELECT item_id, dataset_id, subject_id, unnest(minutes) AS minute, 1 AS sign FROM unnest(after)
        UNION ALL SELECT item_id, dataset_id, subject_id, unnest(minutes), -1 FROM unnest(before)
    ), together AS (
        SELECT sign, item_id, dataset_id, one.subject_id, other.subject_id AS other_id, count(*) AS minutes
        FROM said AS one JOIN said AS other USING (sign, item_id, dataset_id, minute)
        WHERE one.subject_id <> other.subject_id
        GROUP BY sign, item_id, dataset_id, one.subject_id, other.subject_id
    )
    INSERT INTO subject_pairs AS pairs (subject_id, dataset_id, other_id, minutes, items)
    SELECT subject_id, dataset_id, other_id, sum(sign * minutes), sum(sign) FROM together
    GROUP BY subject_id, dataset_id, other_id HAVING sum(sign * minutes) <> 0 OR sum(sign) <> 0
    ON CONFLICT (subject_id, dataset_id, other_id) DO UPDATE
        SET minutes = pairs.minutes + excluded.minutes, items = pairs.items + excluded.items;
    DELETE FROM subject_pairs WHERE items = 0 AND dataset_id = ANY(changed);
END $$
"""
CHANGED = "FOR EACH STATEMENT EXECUTE FUNCTION"
TRIGGERS = (
    "echoic_note_deleted BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION echoic_note_item_v1()",
    "echoic_note_changed AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION echoic_note_item_v1()",
    f"echoic_note_new AFTER INSERT ON mentions REFERENCING NEW TABLE AS changed {CHANGED} echoic_note_mentions_v1()",
    f"echoic_note_deleted AFTER DELETE ON mentions REFERENCING OLD TABLE AS changed {CHANGED} echoic_note_mentions_v1()",
    f"echoic_note_deleted AFTER DELETE ON entities REFERENCING OLD TABLE AS changed {CHANGED} echoic_note_entities_v1()",
)
GIVEN = "CREATE TRIGGER echoic_give_subject BEFORE INSERT OR UPDATE OF type, name ON entities"
FOLLOWED = (
    "CREATE CONSTRAINT TRIGGER echoic_follow_changes AFTER INSERT ON subject_changes DEFERRABLE INITIALLY DEFERRED"
)


def upgrade() -> None:
    _subjects()
    _counts()
    op.execute(KEY)
    for function in (GIVE, NOTE_ITEM, NOTE_MENTIONS, NOTE_ENTITIES, RECOUNT, FOLLOW):
        op.execute(function)
    op.execute(f"{GIVEN} FOR EACH ROW EXECUTE FUNCTION echoic_give_subject_v1()")
    op.execute(f"{FOLLOWED} FOR EACH ROW EXECUTE FUNCTION echoic_follow_changes_v1()")
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    _count_what_is_there()


def _subjects() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("library_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("hidden", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("type IN ('person', 'organization', 'place', 'product')", name=op.f("ck_subjects_type")),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_subjects_library_id_libraries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
    )
    op.create_index(
        "ix_subjects_type_key", "subjects", ["type", "key"], unique=True, postgresql_where=sa.text("library_id IS NULL")
    )
    op.create_index(
        op.f("ix_subjects_library_id"),
        "subjects",
        ["library_id"],
        postgresql_where=sa.text("library_id IS NOT NULL"),
    )
    op.create_table(
        "subject_aliases",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_id"], ["libraries.id"], name=op.f("fk_subject_aliases_library_id_libraries"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_subject_aliases_item_id_items"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name=op.f("fk_subject_aliases_subject_id_subjects"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_aliases")),
    )
    op.create_index(
        "ix_subject_aliases_library_id_type_key_item_id",
        "subject_aliases",
        ["library_id", "type", "key", sa.text("coalesce(item_id, 0)")],
        unique=True,
    )
    op.create_index(op.f("ix_subject_aliases_subject_id"), "subject_aliases", ["subject_id"])
    op.create_index(op.f("ix_subject_aliases_item_id"), "subject_aliases", ["item_id"])
    op.add_column("entities", sa.Column("subject_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_entities_subject_id_subjects"), "entities", "subjects", ["subject_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(op.f("ix_entities_subject_id"), "entities", ["subject_id"])


def _counts() -> None:
    op.create_table(
        "subject_items",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mentions", sa.BigInteger(), nullable=False),
        sa.Column("minutes", ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "subject_id", name=op.f("pk_subject_items")),
    )
    op.create_index(
        "ix_subject_items_subject_id_dataset_id_item_id", "subject_items", ["subject_id", "dataset_id", "item_id"]
    )
    op.create_index("ix_subject_items_subject_id_dataset_id_day", "subject_items", ["subject_id", "dataset_id", "day"])
    for table, more, figures in (
        ("counts", [sa.Column(name, sa.Text(), nullable=False) for name in ("type", "name")], "mentions"),
        ("days", [sa.Column("day", sa.Date(), primary_key=True)], "mentions"),
        ("pairs", [sa.Column("other_id", sa.BigInteger(), primary_key=True)], "minutes"),
    ):
        op.create_table(
            f"subject_{table}",
            sa.Column("subject_id", sa.BigInteger(), primary_key=True),
            sa.Column("dataset_id", sa.BigInteger(), primary_key=True),
            *more,
            sa.Column(figures, sa.BigInteger(), nullable=False),
            sa.Column("items", sa.BigInteger(), nullable=False),
        )
        op.create_index(
            f"ix_subject_{table}_gone", f"subject_{table}", ["dataset_id"], postgresql_where=sa.text("items = 0")
        )
    op.create_index("ix_subject_counts_dataset_id_mentions", "subject_counts", ["dataset_id", sa.text("mentions DESC")])
    op.create_index(
        "ix_subject_counts_dataset_id_type_mentions", "subject_counts", ["dataset_id", "type", sa.text("mentions DESC")]
    )
    op.create_index(
        "ix_subject_days_dataset_id_day_mentions", "subject_days", ["dataset_id", "day", sa.text("mentions DESC")]
    )
    op.create_index(
        "ix_subject_pairs_subject_id_dataset_id_minutes",
        "subject_pairs",
        ["subject_id", "dataset_id", sa.text("minutes DESC")],
    )
    op.create_table(
        "subject_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_changes")),
    )
    op.create_index(op.f("ix_subject_changes_transaction"), "subject_changes", ["transaction"])


def _count_what_is_there() -> None:
    op.execute("UPDATE entities SET name = name")
    connection = op.get_bind()
    ids = list(connection.scalars(sa.text("SELECT DISTINCT item_id FROM entities ORDER BY item_id")))
    for first in range(0, len(ids), ITEMS_AT_ONCE):
        wanted = ids[first : first + ITEMS_AT_ONCE]
        connection.execute(sa.text("SELECT echoic_recount_v1(CAST(:wanted AS bigint[]))"), {"wanted": wanted})


def downgrade() -> None:
    for table, triggers in (
        ("entities", ("echoic_give_subject", "echoic_note_deleted")),
        ("items", ("echoic_note_deleted", "echoic_note_changed")),
        ("mentions", ("echoic_note_new", "echoic_note_deleted")),
    ):
        for trigger in triggers:
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.drop_column("entities", "subject_id")
    op.drop_table("subject_changes")
    op.execute("DROP FUNCTION echoic_recount_v1")
    for table in ("pairs", "days", "counts", "items", "aliases"):
        op.drop_table(f"subject_{table}")
    op.drop_table("subjects")
    for function in ("give_subject", "note_item", "note_mentions", "note_entities", "follow_changes", "subject_key"):
        op.execute(f"DROP FUNCTION echoic_{function}_v1")
