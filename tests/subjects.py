"""What the kept counts of subjects have to be, counted from the mentions themselves."""

from sqlalchemy import text

from echoic.db.connect import Database

PLACES = """
    WITH places AS (
        SELECT subjects.id AS subject_id, items.dataset_id, items.id AS item_id,
            (least(items.publish_date, items.published_at) AT TIME ZONE 'UTC')::date AS day, CAST(floor(mentions.start_seconds / 60) AS int) AS minute
        FROM mentions JOIN entities ON entities.id = mentions.entity_id
        JOIN subjects ON subjects.id = entities.subject_id
        JOIN items ON items.id = entities.item_id
        JOIN segments ON segments.id = mentions.segment_id AND segments.transcript_id = items.transcript_id
        WHERE items.status = 'published' AND NOT subjects.hidden
    ), items_of_days AS (
        SELECT id AS item_id, dataset_id, transcript_id, (least(publish_date, published_at) AT TIME ZONE 'UTC')::date AS day
        FROM items WHERE status = 'published' AND transcript_id IS NOT NULL
    ), said AS (
        SELECT item_id, dataset_id, day, word, sum(mentions)::bigint AS mentions
        FROM items_of_days JOIN search_entries USING (item_id, transcript_id)
            CROSS JOIN LATERAL echoic_said_words_v1(vector) GROUP BY 1, 2, 3, 4
    ), minutes AS (SELECT DISTINCT subject_id, dataset_id, item_id, minute FROM places)
"""
COUNTED = {
    "subject_id, dataset_id, mentions, items FROM subject_counts": (
        "SELECT subject_id, dataset_id, count(*), count(DISTINCT item_id) FROM places GROUP BY 1, 2"
    ),
    "subject_id, dataset_id, day, mentions, items FROM subject_days": (
        "SELECT subject_id, dataset_id, day, count(*), count(DISTINCT item_id) FROM places GROUP BY 1, 2, 3"
    ),
    "subject_id, dataset_id, other_id, minutes, items FROM subject_pairs": (
        "SELECT one.subject_id, dataset_id, other.subject_id, count(*), count(DISTINCT item_id) "
        "FROM minutes AS one JOIN minutes AS other USING (dataset_id, item_id, minute) "
        "WHERE one.subject_id <> other.subject_id GROUP BY 1, 2, 3"
    ),
    "item_id, subject_id, mentions FROM subject_items": (
        "SELECT item_id, subject_id, count(*) FROM places GROUP BY 1, 2"
    ),
    "item_id, dataset_id, day, transcript_id FROM counted_items": (
        "SELECT item_id, dataset_id, day, transcript_id FROM items_of_days"
    ),
    "dataset_id, day, items FROM dataset_days": "SELECT dataset_id, day, count(*) FROM items_of_days GROUP BY 1, 2",
    "item_id, word, dataset_id, day, mentions FROM item_words": (
        "SELECT item_id, word, dataset_id, day, mentions FROM said"
    ),
    "word, dataset_id, day, mentions, items FROM word_days": (
        "SELECT word, dataset_id, day, sum(mentions)::bigint, count(*) FROM said GROUP BY 1, 2, 3"
    ),
    "count(*) FROM subject_changes": "SELECT 0",
    "count(*) FROM word_changes": "SELECT 0",
}


async def counts_are_true(database: Database) -> int:
    """Require that every kept count is as it would be counted; returns how many rows were compared."""
    compared = 0
    async with database.transaction() as session:
        for kept, counted in COUNTED.items():
            rows = sorted(map(tuple, await session.execute(text(f"SELECT {kept}"))))
            assert rows == sorted(map(tuple, await session.execute(text(PLACES + counted)))), kept
            compared += len(rows)
    return compared
