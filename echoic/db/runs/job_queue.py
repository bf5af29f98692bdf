"""The order in which waiting jobs are taken. The jobs themselves are rows of the queue library; this is our order among them."""

from datetime import datetime

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base
from echoic.db.connect import Database
from echoic.db.folding import Addend, fold

NO_ACCOUNT = 0
"""Takes the turns of work that belongs to no account, such as chores."""


class QueueTurn(Base):
    """The last turn of an account's work, as a number that grows with every job taken."""

    __tablename__ = "queue_turns"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """``NO_ACCOUNT``, or the account whose minutes are charged."""
    turn: Mapped[int] = mapped_column(server_default=text("0"))


class WaitingJob(Base):
    """A job that waits. Its line is all jobs with its account, priority, queue and stage, of which the oldest comes first.

    Triggers on the queue library's table keep these rows and their counts (migration 0068), at the commit of whatever puts, takes,
    changes or removes a job.
    """

    __tablename__ = "waiting_jobs"
    __table_args__ = (
        Index("ix_waiting_jobs_line", "account_id", "priority", "queue_name", "stage", "job_id"),
        Index("ix_waiting_jobs_lock", "lock", postgresql_where=text("lock IS NOT NULL")),
    )

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[int]
    """The account in whose place it waits, by the minutes that were reserved for its run at that commit."""
    priority: Mapped[int] = mapped_column(Integer)
    queue_name: Mapped[str]
    stage: Mapped[str]
    """Empty for a chore."""
    scheduled_at: Mapped[datetime | None]
    lock: Mapped[str | None]
    """Of jobs with the same lock, one is done at a time."""


class WaitingCount(Addend):
    """A part of the number of jobs in a line, which is the sum of all such rows; below 0 where jobs left it."""

    __tablename__ = "waiting_counts"

    account_id: Mapped[int]
    priority: Mapped[int] = mapped_column(Integer)
    queue_name: Mapped[str]
    stage: Mapped[str]
    jobs: Mapped[int] = mapped_column(Integer)


async def fold_waiting(database: Database) -> None:
    """Make one row of the several that count a line. Until then each claim reads two more for each job that came and went.

    Raises DatabaseUnavailable.
    """
    await fold(database, WaitingCount, number="jobs")


TAKE_JOB = """
    SELECT id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts, worker_id
    FROM echoic_take_job_v1(
        %(queues)s::text[], %(worker_id)s::bigint, %(stages)s::text[],
        %(capped_stage)s::text, %(bytes_per_second)s::bigint, %(max_bytes)s::bigint
    )
"""
"""Marks the job that is next as a worker's own and returns it; no row where there is none.

The function is made by a migration. It runs in one statement, so a worker that freezes holds nobody up. The parameters:

- ``queues``: names of the queues that the worker serves;
- ``worker_id``: the worker's row in the table of the queue library;
- ``stages``: names of the stages in their order, later ones first to be worked on;
- ``capped_stage``: the stage that leaves audio waiting on the disk, or NULL;
- ``bytes_per_second``: the most that this stage leaves for each second of audio;
- ``max_bytes``: how much may wait altogether.
"""
