"""What is counted of a dataset is counted of its library, too, by the week where a dataset's is by the day

So whoever reads all of a library is answered from a tenth of the rows. The counts of a library stand in the tables of those
of a dataset, by the negated id of the library: the previous release reads by ids of datasets and does not see them.

Revision: 0060
Follows: 0059
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

WEEK = """
CREATE FUNCTION echoic_week_v1(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT day - (extract(isodow FROM day)::int - 1)
$$
"""
COUNT_WORDS = """
CREATE FUNCTION echoic_count_words_v2(wanted bigint[], changed bigint[]) RETURNS void LANGUAGE plpgsql AS $$
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
    SELECT place.id, place.day, sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(items_after) UNION ALL SELECT *, -1 FROM unnest(items_before)) AS both_of
        JOIN counted_datasets USING (dataset_id)
        CROSS JOIN LATERAL (VALUES (dataset_id, day), (-library_id, echoic_week_v1(day))) AS place (id, day)
    GROUP BY place.id, place.day HAVING sum(sign) <> 0
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
    SELECT word, place.id, place.day, sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
        JOIN counted_datasets USING (dataset_id)
        CROSS JOIN LATERAL (VALUES (dataset_id, day), (-library_id, echoic_week_v1(day))) AS place (id, day)
    GROUP BY word, place.id, place.day HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
    ON CONFLICT (word, dataset_id, day) DO UPDATE
        SET mentions = days.mentions + excluded.mentions, items = days.items + excluded.items;
    DELETE FROM word_days WHERE items = 0 AND dataset_id = ANY(changed);
END $$
"""
# The seed of the advisory locks on the counts of a dataset or library is 0x7375626A, the bytes of 'subj'.
RECOUNT = """
CREATE FUNCTION echoic_recount_v3(wanted bigint[]) RETURNS void LANGUAGE plpgsql AS $$
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
    INSERT INTO counted_datasets SELECT id, library_id FROM datasets WHERE id = ANY(changed) ORDER BY id ON CONFLICT DO NOTHING;
    SELECT array_agg(id ORDER BY id) INTO changed FROM (
        SELECT unnest(changed) AS id UNION SELECT -library_id FROM counted_datasets WHERE dataset_id = ANY(changed)
    ) AS place;
    FOREACH one IN ARRAY changed LOOP PERFORM pg_advisory_xact_lock(hashint8extended(one, 1937072746)); END LOOP;
    PERFORM echoic_count_words_v2(wanted, changed);
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
    SELECT subject_id, place.id, min(type), min(name), sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
        JOIN counted_datasets USING (dataset_id) CROSS JOIN LATERAL (VALUES (dataset_id), (-library_id)) AS place (id)
    GROUP BY subject_id, place.id HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
    ON CONFLICT (subject_id, dataset_id) DO UPDATE
        SET mentions = counts.mentions + excluded.mentions, items = counts.items + excluded.items;
    DELETE FROM subject_counts WHERE items = 0 AND dataset_id = ANY(changed);

    INSERT INTO subject_days AS days (subject_id, dataset_id, day, mentions, items)
    SELECT subject_id, place.id, place.day, sum(sign * mentions), sum(sign)
    FROM (SELECT *, 1 AS sign FROM unnest(after) UNION ALL SELECT *, -1 FROM unnest(before)) AS both_of
        JOIN counted_datasets USING (dataset_id)
        CROSS JOIN LATERAL (VALUES (dataset_id, day), (-library_id, echoic_week_v1(day))) AS place (id, day)
    GROUP BY subject_id, place.id, place.day HAVING sum(sign * mentions) <> 0 OR sum(sign) <> 0
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
    SELECT subject_id, place.id, other_id, sum(sign * minutes), sum(sign)
    FROM together JOIN counted_datasets USING (dataset_id)
        CROSS JOIN LATERAL (VALUES (dataset_id), (-library_id)) AS place (id)
    GROUP BY subject_id, place.id, other_id HAVING sum(sign * minutes) <> 0 OR sum(sign) <> 0
    ON CONFLICT (subject_id, dataset_id, other_id) DO UPDATE
        SET minutes = pairs.minutes + excluded.minutes, items = pairs.items + excluded.items;
    DELETE FROM subject_pairs WHERE items = 0 AND dataset_id = ANY(changed);
END $$
"""
FOLLOW = """
CREATE FUNCTION echoic_follow_changes_v3() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF noted > 0 THEN PERFORM echoic_recount_v3(coalesce(changed_items, '{}')); END IF;
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
    "FOR EACH ROW EXECUTE FUNCTION echoic_follow_changes_v3()"
)
# In the order of the primary keys, so that their indexes are written in one go.
OF_LIBRARIES = """
    INSERT INTO subject_counts (subject_id, dataset_id, type, name, mentions, items)
    SELECT subject_id, -library_id, min(type), min(name), sum(mentions), sum(items)
    FROM subject_counts JOIN counted_datasets USING (dataset_id) GROUP BY 1, 2 ORDER BY 1, 2;
    INSERT INTO subject_pairs (subject_id, dataset_id, other_id, minutes, items)
    SELECT subject_id, -library_id, other_id, sum(minutes), sum(items)
    FROM subject_pairs JOIN counted_datasets USING (dataset_id) GROUP BY 1, 2, 3 ORDER BY 1, 3, 2;
    INSERT INTO subject_days (subject_id, dataset_id, day, mentions, items)
    SELECT subject_id, -library_id, echoic_week_v1(day), sum(mentions), sum(items)
    FROM subject_days JOIN counted_datasets USING (dataset_id) GROUP BY 1, 2, 3 ORDER BY 1, 3, 2;
    INSERT INTO word_days (word, dataset_id, day, mentions, items)
    SELECT word, -library_id, echoic_week_v1(day), sum(mentions), sum(items)
    FROM word_days JOIN counted_datasets USING (dataset_id) GROUP BY 1, 2, 3 ORDER BY 1, 3, 2;
    INSERT INTO dataset_days (dataset_id, day, items)
    SELECT -library_id, echoic_week_v1(day), sum(items)
    FROM dataset_days JOIN counted_datasets USING (dataset_id) GROUP BY 1, 2
"""


def upgrade() -> None:
    # First, so that nothing is counted in any other way while what is there is summed.
    op.execute("DROP TRIGGER echoic_follow_changes ON subject_changes")
    op.create_table(
        "counted_datasets",
        sa.Column("dataset_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("library_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_counted_datasets")),
    )
    for function in (WEEK, COUNT_WORDS, RECOUNT, FOLLOW):
        op.execute(function)
    op.execute(FOLLOWED)
    for name in ("recount_v2", "follow_changes_v2", "count_words_v1"):
        op.execute(f"DROP FUNCTION echoic_{name}")
    op.execute("INSERT INTO counted_datasets SELECT id, library_id FROM datasets")
    for statement in OF_LIBRARIES.split(";"):
        op.execute(statement)
