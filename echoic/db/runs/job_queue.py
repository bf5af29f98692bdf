"""The order in which waiting jobs are taken. The jobs themselves are rows of the queue library; this is our order among them."""

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base

NO_ACCOUNT = 0
"""Takes the turns of work that belongs to no account, such as chores."""


class QueueTurn(Base):
    """The last turn of an account's work, as a number that grows with every job taken."""

    __tablename__ = "queue_turns"

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """``NO_ACCOUNT``, or the account whose minutes are charged."""
    turn: Mapped[int] = mapped_column(server_default=text("0"))


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
