"""What statements read of large tables, by the database's own account: it must not grow with what others have."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from echoic.db.items.listed_items import _page_query, _seen_page_query
from tests.kept import fold_waiting_of

OTHERS, OTHER_LIBRARIES = 4_000, 200
"""Items that the reader does not see."""
READER = 1
OWN_ITEMS = 5
PAGE = 10

ITEMS = """
    INSERT INTO accounts (id, name) VALUES (1, 'Reader'), (2, 'Other');
    INSERT INTO libraries (id, slug, name, owner_account_id)
        SELECT i, i::text, 'Library', 2 FROM generate_series(1, 1 + {others}) AS i;
    INSERT INTO library_members (library_id, account_id, role)
        SELECT i, CASE WHEN i = 1 THEN 1 ELSE 2 END, 'owner' FROM generate_series(1, 1 + {others}) AS i;
    INSERT INTO datasets (id, library_id, name) SELECT i, i, 'Dataset' FROM generate_series(1, 1 + {others}) AS i;
    INSERT INTO blobs (id, key, size_bytes, sha256) SELECT i, i::text, 1, '0' FROM generate_series(1, {every}) AS i;
    INSERT INTO items (id, dataset_id, title, status, audio_blob_id)
        SELECT i, CASE WHEN i <= {own} THEN 1 ELSE 2 + i % {others} END, 'Title', 'published', i FROM generate_series(1, {every}) AS i;
    ANALYZE items, datasets, libraries, library_members, blobs
"""

QUEUE = """
    UPDATE items SET status = 'queued';
    INSERT INTO pipeline_queue (id, item_id, state, stage, job_id)
        SELECT i, i, 'queued', CASE WHEN i <= {own} THEN 'transcribe' ELSE 'decode' END, i
        FROM generate_series(1, {every}) AS i;
    UPDATE items SET decoded_blob_id = id WHERE id <= {own};
    INSERT INTO minute_reservations (run_id, account_id, month, seconds)
        SELECT i, {account}, '2026-11-01', 10 FROM generate_series({own} + 1, {every}) AS i;
    INSERT INTO procrastinate_jobs (id, queue_name, task_name, status, args)
        SELECT i, 'cpu', 'echoic.stage', CASE WHEN i = {every} THEN 'doing' ELSE 'todo' END::procrastinate_job_status,
            jsonb_build_object('run_id', i, 'stage', 'decode')
        FROM generate_series({own} + 1, {every}) AS i;
    ANALYZE items, blobs, pipeline_queue, minute_reservations, procrastinate_jobs
"""
FETCHED = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)"


@pytest.fixture
def filled(owner_url: str) -> Iterator[psycopg.Connection]:
    # The owner, since others may not let the planner learn what the tables hold.
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(ITEMS.format(every=OWN_ITEMS + OTHERS, own=OWN_ITEMS, others=OTHER_LIBRARIES).encode())
        yield connection


def rows_read(connection: psycopg.Connection, statement: bytes, given: dict[str, Any], table: str) -> int:
    """How many rows of a table a statement looked at, those that it then left out included."""
    row = connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, given).fetchone()
    assert row is not None
    plan = row[0] if isinstance(row[0], list) else json.loads(row[0])

    def count(node: dict[str, Any]) -> float:
        mine = 0.0
        if node.get("Relation Name") == table:
            left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            mine = (node["Actual Rows"] + left_out) * node["Actual Loops"]
        return mine + sum(count(below) for below in node.get("Plans", ()))

    return round(count(plan[0]["Plan"]))


def test_the_list_of_all_that_somebody_sees_reads_no_items_of_other_libraries(filled: psycopg.Connection) -> None:
    query = _seen_page_query("newest", frozenset())
    given = query.filled({"account_id": READER, "limit": 20, "offset": 0})
    rows = filled.execute(query.text, given).fetchall()
    assert [row[0] for row in rows] == [OWN_ITEMS] * OWN_ITEMS
    assert rows_read(filled, query.text, given, "items") < OTHERS // 10


def test_a_dataset_tells_how_many_there_are_without_a_look_at_all(filled: psycopg.Connection) -> None:
    filled.execute("UPDATE items SET dataset_id = 1; ANALYZE items, item_counts")
    query = _page_query("newest", frozenset())
    given = query.filled({"account_id": READER, "dataset_id": 1, "limit": PAGE, "offset": 0})
    rows = filled.execute(query.text, given).fetchall()
    assert [row[0] for row in rows] == [OWN_ITEMS + OTHERS] * PAGE
    assert rows_read(filled, query.text, given, "items") < OTHERS // 10


def test_who_reads_everything_is_told_how_much_that_is_without_a_look_at_all(filled: psycopg.Connection) -> None:
    filled.execute(
        "INSERT INTO library_members SELECT id, %s, 'viewer' FROM libraries ON CONFLICT DO NOTHING", [READER]
    )
    filled.execute("ANALYZE library_members, item_counts")
    query = _seen_page_query("newest", frozenset())
    given = query.filled({"account_id": READER, "limit": PAGE, "offset": 0})
    rows = filled.execute(query.text, given).fetchall()
    assert [row[0] for row in rows] == [OWN_ITEMS + OTHERS] * PAGE
    assert rows_read(filled, query.text, given, "items") < OTHERS // 10


def test_a_list_for_whose_number_items_are_looked_at_counts_them_once(filled: psycopg.Connection) -> None:
    filled.execute("UPDATE items SET dataset_id = 1, language = 'en'; ANALYZE items")
    query = _page_query("newest", frozenset({"language"}))
    given = query.filled({"account_id": READER, "dataset_id": 1, "language": "en", "limit": PAGE, "offset": 0})
    rows = filled.execute(query.text, given).fetchall()
    assert [row[0] for row in rows] == [OWN_ITEMS + OTHERS] * PAGE
    assert rows_read(filled, query.text, given, "items") < 2 * OTHERS


def test_the_next_job_is_found_without_a_look_at_the_jobs_of_those_whose_turn_it_is_not(
    filled: psycopg.Connection, owner_url: str
) -> None:
    filled.execute("INSERT INTO accounts (id, name) SELECT i, 'Other' FROM generate_series(3, 12) AS i")
    filled.execute(QUEUE.format(every=OWN_ITEMS + OTHERS, own=OWN_ITEMS, account="3 + i % 10").encode())
    asyncio.run(fold_waiting_of(owner_url))
    filled.execute("ANALYZE waiting_jobs, waiting_counts")
    tables = ["procrastinate_jobs", "minute_reservations", "waiting_jobs", "waiting_counts"]
    with filled.transaction():
        found = filled.execute("SELECT * FROM echoic_next_job_v1(ARRAY['cpu'], ARRAY['decode'], NULL)").fetchone()
        read = filled.execute(FETCHED, (tables,)).fetchone()
    assert found == (OWN_ITEMS + 1, 3 + (OWN_ITEMS + 1) % 10, "decode", 10.0)
    assert read is not None
    assert read[0] < OTHERS // 10


def test_what_waits_decoded_is_counted_without_the_runs_that_wait_to_be_decoded(filled: psycopg.Connection) -> None:
    filled.execute(QUEUE.format(every=OWN_ITEMS + OTHERS, own=OWN_ITEMS, account=2).encode())
    with filled.transaction():
        waiting = filled.execute("SELECT echoic_waiting_bytes_v1('decode', 100)").fetchone()
        read = filled.execute(FETCHED, (["pipeline_queue", "items", "procrastinate_jobs"],)).fetchone()
    assert waiting == (OWN_ITEMS * 1 + 10 * 100,), "five that are decoded, and one in hand of ten seconds"
    assert read is not None
    assert read[0] < OTHERS // 10
