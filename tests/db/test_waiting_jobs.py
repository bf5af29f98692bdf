"""Kept rows of the jobs that wait: whatever changes jobs keeps them right, and nobody waits for another."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from echoic.db import migrate
from tests.kept import Rows, fold_waiting_of, waiting_jobs

BEFORE = "0067"
FRAME = """
    INSERT INTO accounts (id, name) VALUES (1, 'One'), (2, 'Two');
    INSERT INTO libraries (id, slug, name, owner_account_id) VALUES (1, 'one', 'One', 1);
    INSERT INTO datasets (id, library_id, name) VALUES (1, 1, 'Dataset');
    INSERT INTO blobs (id, key, size_bytes, sha256) SELECT i, i::text, 1, '0' FROM generate_series(1, 25) AS i;
    INSERT INTO items (id, dataset_id, title, status, audio_blob_id)
        SELECT i, 1, 'Title', 'queued', i FROM generate_series(1, 25) AS i;
    INSERT INTO pipeline_queue (id, item_id, state, stage) SELECT i, i, 'queued', 'decode' FROM generate_series(1, 25) AS i;
    INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (1)
"""
PUT = """
    INSERT INTO procrastinate_jobs (id, queue_name, task_name, priority, args)
        VALUES ({job}, 'cpu', 'echoic.stage', 100, '{{"run_id": {job}, "stage": "decode"}}');
    INSERT INTO minute_reservations (run_id, account_id, month, seconds) VALUES ({job}, {account}, '2026-11-01', 60)
"""
CHORES = """
    INSERT INTO procrastinate_jobs (id, queue_name, task_name, priority, lock, args)
        SELECT 100 + i, 'cpu', 'chore', 100, 'one', '{}' FROM generate_series(1, 3) AS i
"""
TAKE = """
    SELECT id FROM echoic_take_job_v1(
        ARRAY['cpu', 'gpu'], 1, ARRAY['decode', 'transcribe'], 'decode', 1::bigint, 1000000::bigint)
"""
LATER = "now() + interval '1 hour', NULL, NULL, NULL"


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(FRAME)
        yield opened


def put(connection: psycopg.Connection, job: int, account: int) -> None:
    """As an upload does: the job first, then the minutes, in one transaction."""
    connection.execute(PUT.format(job=job, account=account).encode())


def places(connection: psycopg.Connection) -> Rows:
    """Job, account and stage of each, after a comparison with the jobs that are there."""
    return [(row[0], row[1], row[4]) for row in waiting_jobs(connection)]


def taken(connection: psycopg.Connection) -> int | None:
    row = connection.execute(TAKE).fetchone()
    return None if row is None else int(row[0])


def test_every_change_of_jobs_is_kept(connection: psycopg.Connection) -> None:
    for job in (1, 2, 3):
        put(connection, job, account=1 + job % 2)
    connection.execute(CHORES)
    assert places(connection)[:4] == [(1, 2, "decode"), (2, 1, "decode"), (3, 2, "decode"), (101, 0, "")]
    assert [taken(connection) for _ in range(3)] == [101, 1, 2], "accounts take turns, and one chore of a lock runs"
    assert [row[0] for row in places(connection)] == [3, 102, 103]
    connection.execute(f"SELECT procrastinate_retry_job_v2(1, {LATER})")
    assert [row[0] for row in places(connection)] == [1, 3, 102, 103]
    assert [taken(connection) for _ in range(2)] == [3, None], "what is not due waits"
    connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now(), priority = 200 WHERE id = 1")
    connection.execute("SELECT procrastinate_finish_job_v1(101, 'succeeded', true)")
    assert [taken(connection) for _ in range(3)] == [1, 102, None]
    connection.execute("DELETE FROM procrastinate_jobs WHERE id = 103")
    assert places(connection) == []


def test_a_job_waits_once_it_is_committed_and_not_before(connection: psycopg.Connection, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        put(other, 1, account=1)
        assert taken(connection) is None
        other.rollback()
        put(other, 2, account=1)
        put(connection, 3, account=1)  # neither waits for the other
        assert places(connection) == [(3, 1, "decode")]
    assert places(connection) == [(2, 1, "decode"), (3, 1, "decode")]


def test_a_job_that_comes_and_goes_in_one_transaction_leaves_nothing(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute(CHORES)
        connection.execute("UPDATE procrastinate_jobs SET status = 'cancelled' WHERE id = 101")
        connection.execute("DELETE FROM procrastinate_jobs WHERE id = 102")
    assert places(connection) == [(103, 0, "")]


def test_who_never_had_a_turn_is_next_however_many_such_accounts_wait(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO accounts (id, name) SELECT i, 'Name' FROM generate_series(3, 20) AS i")
    for job in range(1, 21):
        put(connection, job, account=21 - job)
    connection.execute('UPDATE procrastinate_jobs SET args = args || \'{"stage": "transcribe"}\' WHERE id IN (7, 20)')
    order = [taken(connection) for _ in range(20)]
    assert order == [7, 20, *(job for job in range(1, 20) if job != 7)], "later stages first, then the older job"


def test_many_jobs_of_an_account_that_others_hold_are_passed_over(
    connection: psycopg.Connection, database_url: str
) -> None:
    for job in range(1, 21):
        put(connection, job, account=1)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM procrastinate_jobs WHERE id < 20 FOR UPDATE")
        assert [taken(connection) for _ in range(2)] == [20, None]
    assert taken(connection) == 1


def test_a_job_is_found_behind_any_number_of_lines_without_one_that_is_due(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO accounts (id, name) SELECT i, 'Name' FROM generate_series(3, 25) AS i")
    for job in range(1, 26):
        put(connection, job, account=job)
    connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE id < 24")
    assert [taken(connection) for _ in range(3)] == [24, 25, None]


def test_what_waits_of_a_cancelled_run_takes_no_turn_of_its_account(connection: psycopg.Connection) -> None:
    for job in (1, 2, 3):
        put(connection, job, account=1)
    put(connection, 4, account=2)
    connection.execute("DELETE FROM minute_reservations WHERE run_id < 3")
    assert [taken(connection) for _ in range(5)] == [1, 2, 3, 4, None]
    assert connection.execute("SELECT account_id FROM queue_turns ORDER BY turn").fetchall() == [(0,), (1,), (2,)]
    assert places(connection) == []


def test_a_change_that_moves_no_job_is_not_kept_again(connection: psycopg.Connection) -> None:
    put(connection, 1, account=1)
    connection.execute("UPDATE procrastinate_jobs SET attempts = 1")
    assert connection.execute("SELECT jobs FROM waiting_counts").fetchall() == [(1,)]


async def test_folding_leaves_one_row_of_each_line_and_every_sum(
    connection: psycopg.Connection, database_url: str
) -> None:
    for job in range(1, 21):
        put(connection, job, account=1 + job % 2)
    assert [taken(connection) for _ in range(4)] == [1, 2, 3, 4]
    before = waiting_jobs(connection)
    await fold_waiting_of(database_url)
    assert waiting_jobs(connection) == before
    assert connection.execute("SELECT jobs FROM waiting_counts").fetchall() == [(8,), (8,)]
    assert [taken(connection) for _ in range(17)] == [*range(5, 21), None]
    await fold_waiting_of(database_url)
    assert connection.execute("SELECT jobs FROM waiting_counts").fetchall() == []


def test_jobs_from_before_are_kept_and_so_is_what_follows(database_at: Callable[[str], str]) -> None:
    url = database_at(BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FRAME)
        put(connection, 1, account=1)
        put(connection, 2, account=2)
        connection.execute(CHORES)
        assert taken(connection) == 101
        migrate.upgrade(url)
        assert [row[0] for row in places(connection)] == [1, 2, 102, 103]
        put(connection, 3, account=2)
        assert [taken(connection) for _ in range(4)] == [1, 2, 3, None]
