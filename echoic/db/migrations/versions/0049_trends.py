"""Recordings and words are counted by day, for what is said more than before; names are found by a part of them

Items of a feed count on the day of their publish_date from now on, for subjects too.

Revision: 0049
Follows: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

ITEMS_AT_ONCE = 50

# Scripts that put no blanks between words stand in the index as pairs of characters, which nobody reads as words.
WORDS = r"""
CREATE FUNCTION echoic_said_words_v1(vector tsvector) RETURNS TABLE (word text, mentions bigint)
LANGUAGE sql IMMUTABLE AS $$
    WITH placed AS (
        SELECT entry.lexeme, place.position, place.weight
        FROM unnest(vector) AS entry, unnest(entry.positions, entry.weights) AS place (position, weight)
    )
    SELECT lexeme, count(*) FROM placed
    WHERE weight <> 'C' AND octet_length(lexeme) >= 3 AND char_length(lexeme) <= 40
        AND lexeme !~ '^~|[0-9]|[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2E80-\u9FFF\uF900-\uFAFF\uFF66-\uFF9D]'
        AND position IN (SELECT position FROM placed WHERE lexeme LIKE '~%')
    GROUP BY lexeme
$$
"""
NOTE_ENTRIES = """
CREATE FUNCTION echoic_note_entries_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO word_changes (transaction, item_id, word, mentions)
    SELECT pg_current_xact_id()::text::bigint, counted.item_id, said.word,
        sum(said.mentions) * CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END
    FROM changed JOIN counted_items AS counted USING (item_id, transcript_id)
        CROSS JOIN LATERAL echoic_said_words_v1(changed.vector) AS said
    GROUP BY counted.item_id, said.word;
    IF FOUND THEN
        INSERT INTO subject_changes (transaction) VALUES (pg_current_xact_id()::text::bigint);
    END IF;
    RETURN NULL;
END $$
"""
NOTE_ITEM = """
CREATE FUNCTION echoic_note_item_v2() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO subject_changes (transaction, item_id) VALUES (pg_current_xact_id()::text::bigint, OLD.id);
        RETURN OLD;
    END IF;
    IF (OLD.dataset_id, OLD.transcript_id, OLD.status, OLD.published_at, OLD.publish_date) IS DISTINCT FROM
       (NEW.dataset_id, NEW.transcript_id, NEW.status, NEW.published_at, NEW.publish_date) THEN
        INSERT INTO subject_changes (transaction, item_id) VALUES (pg_current_xact_id()::text::bigint, NEW.id);
    END IF;
    IF OLD.dataset_id <> NEW.dataset_id THEN
        UPDATE entities SET name = name WHERE item_id = NEW.id;  -- another library may have decided otherwise
    END IF;
    RETURN NEW;
END $$
"""
# What a feed says is to come counts on the day on which it came.
DAY = """
CREATE FUNCTION echoic_counted_day_v1(publish_date timestamptz, published_at timestamptz, created_at timestamptz)
RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (least(publish_date, coalesce(published_at, created_at)) AT TIME ZONE 'UTC')::date
$$
"""
# All words of an item are counted again where its transcript, dataset or day is another; else what its entries have told.
COUNT_WORDS = """
CREATE FUNCTION echoic_count_words_v1(wanted bigint[], changed bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    mine bigint := pg_current_xact_id()::text::bigint;
    items_before counted_items[];
    items_after counted_items[];
    moved bigint[];
    before item_words[];
    after item_words[];
BEGIN
    SELECT array_agg(one) INTO items_before FROM counted_items AS one WHERE item_id = ANY(wanted);
    SELECT array_agg(one::counted_items) INTO items_after FROM (
        SELECT id AS item_id, dataset_id, echoic_counted_day_v1(publish_date, published_at, created_at) AS day, transcript_id
        FROM items WHERE id = ANY(wanted) AND status = 'published' AND transcript_id IS NOT NULL
    ) AS one;
    SELECT array_agg(DISTINCT item_id) INTO moved FROM (
        (SELECT * FROM unnest(items_before) EXCEPT SELECT * FROM unnest(items_after))
        UNION ALL (SELECT * FROM unnest(items_after) EXCEPT SELECT * FROM unnest(items_before))
    ) AS other;
    DELETE FROM word_changes WHERE transaction = mine AND item_id = ANY(moved);

    DELETE FROM counted_items WHERE item_id = ANY(moved);
    INSERT INTO counted_items SELECT * FROM unnest(items_after) WHERE item_id = ANY(moved);
    INSERT INTO dataset_days AS days (dataset_id, day, items)
    SELECT dataset_id, day, sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(items_after) UNION ALL SELECT *, -1 FROM unnest(items_before)) AS both_of
    GROUP BY dataset_id, day HAVING sum(sign) <> 0
    ON CONFLICT (dataset_id, day) DO UPDATE SET items = days.items + excluded.items;
    DELETE FROM dataset_days WHERE items = 0 AND dataset_id = ANY(changed);

    WITH told AS (DELETE FROM word_changes WHERE transaction = mine RETURNING item_id, word, mentions),
    told_of AS MATERIALIZED (
        SELECT item_id, word, sum(mentions) AS mentions FROM told GROUP BY item_id, word HAVING sum(mentions) <> 0
    ), was AS (
        SELECT words AS one FROM item_words AS words WHERE item_id = ANY(moved)
        UNION ALL SELECT words FROM told_of JOIN item_words AS words USING (item_id, word)
    ), is_now AS (
        SELECT items.item_id, said.word, items.dataset_id, items.day, sum(said.mentions)::bigint AS mentions
        FROM counted_items AS items JOIN search_entries AS entries USING (item_id, transcript_id)
            CROSS JOIN LATERAL echoic_said_words_v1(entries.vector) AS said
        WHERE items.item_id = ANY(moved) GROUP BY items.item_id, said.word
        UNION ALL
        SELECT item_id, word, items.dataset_id, items.day, (coalesce(words.mentions, 0) + told_of.mentions)::bigint
        FROM told_of JOIN counted_items AS items USING (item_id) LEFT JOIN item_words AS words USING (item_id, word)
        WHERE coalesce(words.mentions, 0) + told_of.mentions > 0
    )
    SELECT (SELECT array_agg(one) FROM was), (SELECT array_agg(is_now::item_words) FROM is_now) INTO before, after;
    DELETE FROM item_words AS words USING unnest(before) AS one
    WHERE words.item_id = one.item_id AND words.word = one.word;
    INSERT INTO item_words SELECT * FROM unnest(after);
    INSERT INTO word_days AS days (word, dataset_id, day, mentions, items)
    SELECT word, dataset_id, day, sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
    GROUP BY word, dataset_id, day HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
    ON CONFLICT (word, dataset_id, day) DO UPDATE
        SET mentions = days.mentions + excluded.mentions, items = days.items + excluded.items;
    DELETE FROM word_days WHERE items = 0 AND dataset_id = ANY(changed);
END $$
"""
# The seed of the advisory locks on the counts of a dataset is 0x7375626A, the bytes of 'subj'.
RECOUNT = """
CREATE FUNCTION echoic_recount_v2(wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before subject_items[];
    after subject_items[];
    changed bigint[];
    one bigint;
BEGIN
    SELECT array_agg(dataset_id ORDER BY dataset_id) INTO changed FROM (
        SELECT dataset_id FROM items WHERE id = ANY(wanted)
        UNION SELECT dataset_id FROM subject_items WHERE item_id = ANY(wanted)
        UNION SELECT dataset_id FROM counted_items WHERE item_id = ANY(wanted)
        UNION SELECT dataset_id FROM counted_items JOIN word_changes USING (item_id)
        WHERE transaction = pg_current_xact_id()::text::bigint
    ) AS touched;
    IF changed IS NULL THEN RETURN; END IF;
    FOREACH one IN ARRAY changed LOOP PERFORM pg_advisory_xact_lock(hashint8extended(one, 1937072746)); END LOOP;
    PERFORM echoic_count_words_v1(wanted, changed);
    SELECT array_agg(counted ORDER BY item_id, subject_id) INTO before
    FROM subject_items AS counted WHERE item_id = ANY(wanted);
    SELECT array_agg(named::subject_items ORDER BY item_id, subject_id) INTO after FROM (
        SELECT items.id AS item_id, subjects.id AS subject_id, items.dataset_id,
            echoic_counted_day_v1(items.publish_date, items.published_at, items.created_at) AS day, subjects.type,
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
FOLLOW = """
CREATE FUNCTION echoic_follow_changes_v2() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed_items bigint[];
    left_subjects bigint[];
    noted bigint;
BEGIN
    WITH mine AS (
        DELETE FROM subject_changes WHERE transaction = pg_current_xact_id()::text::bigint RETURNING item_id, subject_id
    )
    SELECT array_agg(DISTINCT item_id) FILTER (WHERE item_id IS NOT NULL),
        array_agg(DISTINCT subject_id) FILTER (WHERE subject_id IS NOT NULL), count(*)
    INTO changed_items, left_subjects, noted FROM mine;
    IF noted > 0 THEN PERFORM echoic_recount_v2(coalesce(changed_items, '{}')); END IF;
    IF left_subjects IS NOT NULL THEN
        DELETE FROM subjects WHERE id IN (
            SELECT id FROM subjects WHERE id = ANY(left_subjects) AND library_id IS NULL
                AND NOT EXISTS (SELECT FROM entities WHERE entities.subject_id = subjects.id)
            ORDER BY id FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN NULL;
END $$
"""
FOLLOWED = (
    "CREATE CONSTRAINT TRIGGER echoic_follow_changes AFTER INSERT ON subject_changes DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION echoic_follow_changes_v{version}()"
)
DELETED = "CREATE TRIGGER echoic_note_deleted BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION echoic_note_item_v{version}()"
CHANGED = "CREATE TRIGGER echoic_note_changed AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION echoic_note_item_v{version}()"
ENTRIES = "CREATE TRIGGER echoic_note_{event} AFTER {act} ON search_entries REFERENCING {rows} TABLE AS changed "
EACH = "FOR EACH STATEMENT EXECUTE FUNCTION echoic_note_entries_v1()"


def upgrade() -> None:
    _counts()
    op.create_index(
        "ix_subjects_key", "subjects", ["key"], postgresql_using="gin", postgresql_ops={"key": "gin_trgm_ops"}
    )
    for function in (WORDS, DAY, COUNT_WORDS, RECOUNT, NOTE_ITEM, NOTE_ENTRIES, FOLLOW):
        op.execute(function)
    _call(version=2)
    op.execute(ENTRIES.format(event="new", act="INSERT", rows="NEW") + EACH)
    op.execute(ENTRIES.format(event="deleted", act="DELETE", rows="OLD") + EACH)
    for name in ("recount", "note_item", "follow_changes"):
        op.execute(f"DROP FUNCTION echoic_{name}_v1")
    _count_what_is_there()


def _counts() -> None:
    op.create_table(
        "counted_items",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("transcript_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_counted_items")),
    )
    op.create_table(
        "dataset_days",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "day", name=op.f("pk_dataset_days")),
    )
    op.create_table(
        "item_words",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mentions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "word", name=op.f("pk_item_words")),
    )
    op.create_index("ix_item_words_word_dataset_id_day", "item_words", ["word", "dataset_id", "day"])
    op.create_table(
        "word_days",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("mentions", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("word", "dataset_id", "day", name=op.f("pk_word_days")),
    )
    for table in ("dataset_days", "word_days"):
        op.create_index(f"ix_{table}_gone", table, ["dataset_id"], postgresql_where=sa.text("items = 0"))
    op.drop_index("ix_subject_days_dataset_id_day_mentions", "subject_days")
    for table, column in (("subject_days", "subject_id"), ("word_days", "word")):
        op.create_index(
            f"ix_{table}_dataset_id_day_items",
            table,
            ["dataset_id", "day", sa.text("items DESC"), sa.text("mentions DESC")],
            postgresql_include=[column],
        )
    op.create_table(
        "word_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("mentions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_word_changes")),
    )
    op.create_index(op.f("ix_word_changes_transaction"), "word_changes", ["transaction"])


def _call(*, version: int) -> None:
    for trigger, table in (
        ("follow_changes", "subject_changes"),
        ("note_deleted", "items"),
        ("note_changed", "items"),
    ):
        op.execute(f"DROP TRIGGER echoic_{trigger} ON {table}")
    for trigger in (FOLLOWED, DELETED, CHANGED):
        op.execute(trigger.format(version=version))


def _count_what_is_there() -> None:
    connection = op.get_bind()
    ids = list(connection.scalars(sa.text("SELECT id FROM items WHERE transcript_id IS NOT NULL ORDER BY id")))
    for first in range(0, len(ids), ITEMS_AT_ONCE):
        wanted = ids[first : first + ITEMS_AT_ONCE]
        connection.execute(sa.text("SELECT echoic_recount_v2(CAST(:wanted AS bigint[]))"), {"wanted": wanted})
