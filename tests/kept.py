"""Tables that triggers keep, compared with the rows they are kept of."""

from typing import Any

import psycopg

from echoic.db.connect import Database
from echoic.db.runs.job_queue import fold_waiting

ITEM_COUNTS = (
    "SELECT dataset_id, status, sum(items) FROM item_counts GROUP BY 1, 2 HAVING sum(items) <> 0 ORDER BY 1, 2",
    "SELECT dataset_id, status, count(*) FROM items GROUP BY 1, 2 ORDER BY 1, 2",
)
WAITING_JOBS = (
    "SELECT job_id, account_id, priority, queue_name, stage, scheduled_at, lock FROM waiting_jobs ORDER BY 1",
    """
    SELECT job.id, coalesce(reserved.account_id, kept.account_id, 0), job.priority, job.queue_name,
        coalesce(args ->> 'stage', ''), job.scheduled_at, job.lock
    FROM procrastinate_jobs AS job
    LEFT JOIN minute_reservations AS reserved ON reserved.run_id = (args ->> 'run_id')::bigint
    LEFT JOIN waiting_jobs AS kept ON kept.job_id = job.id
    WHERE status = 'todo' ORDER BY 1
    """,
)
"""The job of a run that was cancelled keeps its account, although nothing is reserved any more."""
WAITING_COUNTS = (
    """
    SELECT account_id, priority, queue_name, stage, sum(jobs) FROM waiting_counts
    GROUP BY 1, 2, 3, 4 HAVING sum(jobs) <> 0 ORDER BY 1, 2, 3, 4
    """,
    "SELECT account_id, priority, queue_name, stage, count(*) FROM waiting_jobs GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
)

Rows = list[tuple[Any, ...]]


def counts_of_items(connection: psycopg.Connection) -> Rows:
    """Dataset, status and number, as they are kept; AssertionError where a count of the items says something else."""
    return _kept(connection, ITEM_COUNTS)


def waiting_jobs(connection: psycopg.Connection) -> Rows:
    """What is kept of the jobs that wait; AssertionError where jobs and reservations, or their counts, say something else."""
    _kept(connection, WAITING_COUNTS)
    return _kept(connection, WAITING_JOBS)


async def fold_waiting_of(url: str) -> None:
    """Have upkeep's work done on the counts of jobs."""
    database = Database(url, pool_size=1)
    try:
        await fold_waiting(database)
    finally:
        await database.close()


def _kept(connection: psycopg.Connection, statements: tuple[str, str]) -> Rows:
    kept, looked_up = (connection.execute(statement.encode()).fetchall() for statement in statements)
    assert kept == looked_up
    return kept
