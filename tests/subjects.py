"""What the kept counts of subjects have to be, counted from the mentions themselves."""

from sqlalchemy import text

from echoic.db.connect import Database

PLACES = """
    WITH days AS (
        SELECT items.id AS item_id, dataset_id, library_id, transcript_id,
            (least(publish_date, published_at) AT TIME ZONE 'UTC')::date AS day
        FROM items JOIN datasets ON datasets.id = dataset_id WHERE status = 'published' AND transcript_id IS NOT NULL
    ), published AS (
        SELECT *, CAST(date_trunc('week', CAST(day AS timestamp)) AS date) AS week FROM days
    ), places AS (
        SELECT subjects.id AS subject_id, items.*, CAST(floor(mentions.start_seconds / 60) AS int) AS minute
        FROM mentions JOIN entities ON entities.id = mentions.entity_id
        JOIN subjects ON subjects.id = entities.subject_id
        JOIN published AS items ON items.item_id = entities.item_id
        JOIN segments ON segments.id = mentions.segment_id AND segments.transcript_id = items.transcript_id
        WHERE NOT subjects.hidden
    ), said AS (
        SELECT published.*, word, mentions
        FROM published JOIN search_entries USING (item_id, transcript_id)
            CROSS JOIN LATERAL echoic_said_words_v1(vector)
    ), minutes AS (SELECT DISTINCT subject_id, dataset_id, library_id, item_id, minute FROM places)
"""


def of_both(counted: str) -> str:
    """What is counted of datasets by the day, and the same of libraries by the week."""
    return f"{counted} UNION ALL {counted.replace('dataset_id', '-library_id').replace('day', 'week')}"


COUNTED = {
    "subject_id, dataset_id, mentions, items FROM subject_counts": of_both(
        "SELECT subject_id, dataset_id, count(*), count(DISTINCT item_id) FROM places GROUP BY 1, 2"
    ),
    "subject_id, dataset_id, day, mentions, items FROM subject_days": of_both(
        "SELECT subject_id, dataset_id, day, count(*), count(DISTINCT item_id) FROM places GROUP BY 1, 2, 3"
    ),
    "subject_id, dataset_id, other_id, minutes, items FROM subject_pairs": of_both(
        "SELECT one.subject_id, one.dataset_id, other.subject_id, count(*), count(DISTINCT item_id) "
        "FROM minutes AS one JOIN minutes AS other USING (item_id, minute) "
        "WHERE one.subject_id <> other.subject_id GROUP BY 1, 2, 3"
    ).replace("one.-", "-one."),
    "item_id, subject_id, mentions FROM subject_items": (
        "SELECT item_id, subject_id, count(*) FROM places GROUP BY 1, 2"
    ),
    "item_id, dataset_id, day, transcript_id FROM counted_items": (
        "SELECT item_id, dataset_id, day, transcript_id FROM published"
    ),
    "dataset_id, day, items FROM dataset_days": of_both(
        "SELECT dataset_id, day, count(*) FROM published GROUP BY 1, 2"
    ),
    "item_id, word, dataset_id, day, mentions FROM item_words": (
        "SELECT item_id, word, dataset_id, day, sum(mentions)::bigint FROM said GROUP BY 1, 2, 3, 4"
    ),
    "word, dataset_id, day, mentions, items FROM word_days": of_both(
        "SELECT word, dataset_id, day, sum(mentions)::bigint, count(DISTINCT item_id) FROM said GROUP BY 1, 2, 3"
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
