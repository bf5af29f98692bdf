"""A corpus of names for the benchmark of entities: made in the database by a seed, with the counts that triggers would keep.

Items have 100 mentions in 40 minutes, of subjects by Zipf's law (exponent 1), so that the most named has a twelfth of all
mentions and every subject one at least. They lie in 200 datasets of 20 libraries and were published evenly over the three
years until today. Words are counted for the last 60 days alone, by Zipf's law, too.
"""

import importlib

import psycopg
from psycopg import sql

SEED = 0.20261129
MENTIONS_PER_ITEM = 100
SECONDS = 2_400
SEGMENTS_PER_ITEM = 40
DATASETS, LIBRARIES = 200, 20
DAYS = 3 * 365
WORD_DAYS, WORDS, WORDS_PER_ITEM = 60, 50_000, 1_500
READER, SMALL_READER = 1, 2
"""Accounts: one reads every library but the last, the other only the last."""

KEPT = (
    "subject_items",
    "subject_counts",
    "subject_days",
    "subject_pairs",
    "counted_datasets",
    "counted_items",
    "dataset_days",
)
"""The tables of what is counted when an item is published; those of words apart."""

FRAME = """
    INSERT INTO accounts (id, name) SELECT n, 'Account ' || n FROM generate_series(1, 2) AS n;
    INSERT INTO libraries (id, slug, name, owner_account_id)
    SELECT n, 'library-' || n, 'Library ' || n, 1 FROM generate_series(1, {libraries}) AS n;
    INSERT INTO library_members (library_id, account_id, role)
    SELECT n, CASE n WHEN {libraries} THEN 2 ELSE 1 END, 'owner' FROM generate_series(1, {libraries}) AS n;
    INSERT INTO datasets (id, library_id, name)
    SELECT n, n % {libraries} + 1, 'Dataset ' || n FROM generate_series(1, {datasets}) AS n;
    INSERT INTO blobs (id, key, size_bytes, sha256)
    SELECT n, lpad(to_hex(n), 32, '0'), 1, lpad(to_hex(n), 64, '0') FROM generate_series(1, {items}) AS n;
    INSERT INTO transcripts (id, item_id, language, engine_name, engine_model, engine_version)
    SELECT n, n, 'en', 'bench', 'bench', '1' FROM generate_series(1, {items}) AS n;
    INSERT INTO items (id, dataset_id, title, status, audio_blob_id, transcript_id, language, published_at)
    SELECT n, n * 7919::bigint % {datasets} + 1, 'Item ' || n, 'published', n, n, 'en',
    now() - interval '{days} days' * (1 - n::float8 / {items}) FROM generate_series(1, {items}) AS n;
    INSERT INTO segments (id, transcript_id, position, start_seconds, end_seconds, text, speaker, words)
    SELECT (n - 1) * {segments} + place + 1, n, place, place * {length}, (place + 1) * {length},
    'Words that are said in segment ' || place, 'A', '[]'
    FROM generate_series(1, {items}) AS n, generate_series(0, {segments} - 1) AS place;
    -- Names of two syllables each and a number, one in four of each type.
    INSERT INTO subjects (id, type, key) SELECT n, (ARRAY['person', 'organization', 'place', 'product'])[n % 4 + 1],
    (ARRAY['ada', 'ben', 'cara', 'dora', 'emil', 'fynn', 'gita', 'hugo', 'ines', 'jonas'])[n % 10 + 1] || ' ' ||
    (ARRAY['bak', 'cor', 'dal', 'fen', 'gor', 'hal', 'kin', 'lor', 'mar', 'nor', 'pell', 'quin', 'ros', 'sten'])
    [n / 10 % 14 + 1] || (ARRAY['berg', 'court', 'dale', 'ford', 'ham', 'low', 'mann', 'ton'])[n / 140 % 8 + 1]
    || ' ' || n FROM generate_series(1, {subjects}) AS n;
"""
NAMED = """
    CREATE UNLOGGED TABLE named AS SELECT m, m / {per_item} + 1 AS item_id,
    CASE WHEN m % {every} = 0 THEN m / {every} % {subjects} + 1
    ELSE least(floor(exp(random() * ln({subjects}))), {subjects})::bigint END AS subject_id,
    floor(random() * {seconds}) AS start FROM generate_series(0, {mentions} - 1) AS m;
    CREATE UNLOGGED TABLE named_in AS SELECT row_number() OVER () AS id, item_id, subject_id
    FROM (SELECT DISTINCT item_id, subject_id FROM named ORDER BY item_id, subject_id) AS each;
    ANALYZE named; ANALYZE named_in;
    INSERT INTO entities (id, item_id, type, name, subject_id)
    SELECT named_in.id, item_id, type, initcap(key), subject_id FROM named_in JOIN subjects ON subjects.id = subject_id;
    INSERT INTO mentions (id, entity_id, segment_id, start_seconds, end_seconds, text)
    SELECT m + 1, named_in.id, (item_id - 1) * {segments} + floor(start / {length}) + 1, start, start + 1, 'name'
    FROM named JOIN named_in USING (item_id, subject_id);
    ANALYZE;
"""
COUNTED = """
    INSERT INTO counted_datasets SELECT id, library_id FROM datasets;
    INSERT INTO counted_items SELECT id, dataset_id, (published_at AT TIME ZONE 'UTC')::date, transcript_id FROM items;
    INSERT INTO dataset_days (dataset_id, day, items) SELECT dataset_id, day, count(*) FROM counted_items GROUP BY 1, 2;
    ANALYZE counted_items;
    INSERT INTO subject_items (item_id, subject_id, dataset_id, day, type, name, mentions, minutes)
    SELECT item_id, subject_id, items.dataset_id, items.day, subjects.type, initcap(subjects.key), count(*),
    array_agg(DISTINCT floor(start / 60)::int) FROM named JOIN counted_items AS items USING (item_id)
    JOIN subjects ON subjects.id = subject_id GROUP BY item_id, subject_id, items.dataset_id, items.day, subjects.id;
    INSERT INTO subject_counts (subject_id, dataset_id, type, name, mentions, items)
    SELECT subject_id, dataset_id, min(type), min(name), sum(mentions), count(*) FROM subject_items GROUP BY 1, 2;
    INSERT INTO subject_days (subject_id, dataset_id, day, mentions, items)
    SELECT subject_id, dataset_id, day, sum(mentions), count(*) FROM subject_items GROUP BY 1, 2, 3;
    ANALYZE subject_items;
    WITH together AS (SELECT item_id, one.dataset_id, one.subject_id, other.subject_id AS other_id, count(*) AS minutes
    FROM (SELECT item_id, dataset_id, subject_id, unnest(minutes) AS minute FROM subject_items) AS one
    JOIN (SELECT item_id, subject_id, unnest(minutes) AS minute FROM subject_items) AS other USING (item_id, minute)
    WHERE one.subject_id <> other.subject_id GROUP BY 1, 2, 3, 4)
    INSERT INTO subject_pairs (subject_id, dataset_id, other_id, minutes, items)
    SELECT subject_id, dataset_id, other_id, sum(minutes), count(*) FROM together GROUP BY 1, 2, 3;
"""
SAID = """
    INSERT INTO item_words (item_id, word, dataset_id, day, mentions)
    SELECT item_id, word, dataset_id, day, count(*) FROM (
        SELECT item_id, 'word' || least(floor(exp(random() * ln({words}))), {words}) AS word, dataset_id, day
        FROM counted_items, generate_series(1, {words_per_item}) WHERE day > current_date - {word_days}
    ) AS said GROUP BY item_id, word, dataset_id, day;
    INSERT INTO word_days (word, dataset_id, day, mentions, items)
    SELECT word, dataset_id, day, sum(mentions), count(*) FROM item_words GROUP BY 1, 2, 3;
"""
# Of a library, by the week, as in migration 0060.
OF_LIBRARIES = importlib.import_module("echoic.db.migrations.versions.0060_library_counts").OF_LIBRARIES
# Indexes that no constraint needs are made when the rows are there.
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes JOIN pg_class ON pg_class.relname = indexname
    JOIN pg_index ON indexrelid = pg_class.oid
    WHERE tablename = ANY(%s) AND NOT indisunique
"""
FILLED = (*KEPT, "entities", "mentions", "segments", "subjects", "item_words", "word_days")


def build(url: str, *, subjects: int, mentions: int) -> None:
    """Fill an empty database that has the schema, its kept counts included, without its triggers."""
    values = {
        "subjects": subjects,
        "mentions": mentions,
        "items": -(-mentions // MENTIONS_PER_ITEM),
        "every": max(1, mentions // subjects),
        "per_item": MENTIONS_PER_ITEM,
        "seconds": SECONDS,
        "segments": SEGMENTS_PER_ITEM,
        "length": SECONDS // SEGMENTS_PER_ITEM,
        "datasets": DATASETS,
        "libraries": LIBRARIES,
        "days": DAYS,
        "word_days": WORD_DAYS,
        "words": WORDS,
        "words_per_item": WORDS_PER_ITEM,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '512MB'; SET synchronous_commit = off")
        indexes = connection.execute(INDEXES, (list(FILLED),)).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        connection.execute(f"SELECT setseed({SEED})")
        for statements in (FRAME, NAMED, COUNTED, SAID, OF_LIBRARIES):
            for statement in statements.format_map(values).split(";"):
                connection.execute(statement.encode())
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("DROP TABLE named, named_in")
        connection.execute("VACUUM ANALYZE")


def is_as_triggers_count(url: str) -> bool:
    """Return whether the kept counts of a small corpus are those that the triggers' own function makes."""
    with psycopg.connect(url, autocommit=True) as connection:
        filled = {table: _rows(connection, table) for table in KEPT}
        connection.execute(f"TRUNCATE {', '.join(KEPT)}")
        connection.execute("SELECT echoic_recount_v3(array_agg(id)) FROM items")
        counted = {table: _rows(connection, table) for table in KEPT}
    return all(filled.values()) and filled == counted


def _rows(connection: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    every = sql.SQL("SELECT kept::text FROM {} AS kept").format(sql.Identifier(table))
    return sorted(connection.execute(every).fetchall())
