"""The workers: which there are, when they were last heard, and the jobs that each of them holds.

The queue library (Procrastinate 3.10, ``procrastinate_workers``) knows a worker by a number and its heartbeat. What people
want to know of it beside that is kept in a table of ours, under the same number.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, in_seconds


class WorkerNote(Base):
    """The properties that a worker registers with."""

    __tablename__ = "workers"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """That of the queue library's row."""
    name: Mapped[str]
    """Machine and process, as runs name the worker that holds them."""
    version: Mapped[str]
    queues: Mapped[list[str]]
    stages_at_once: Mapped[int]
    started_at: Mapped[datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerCard:
    """The same as its process knows it."""

    name: str
    version: str
    queues: Sequence[str]
    stages_at_once: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldWork:
    """A job in the hands of a worker."""

    task: str
    """The queue library's name of it, which tells one chore from another."""
    stage: str | None
    """None: a chore, which belongs to no item."""
    item_id: int | None
    """None for a chore, and until the stage is claimed."""
    attempt: int | None
    since: datetime | None
    """When the worker claimed the stage."""
    progress_seconds: float | None
    duration_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenWorker:
    """A worker as others may know it. What it has not said of itself yet is None."""

    id: int
    name: str | None
    version: str | None
    queues: list[str] | None
    stages_at_once: int | None
    started_at: datetime | None
    last_heartbeat_at: datetime
    is_alive: bool
    work: list[HeldWork]


_ALIVE = "worker.last_heartbeat > now() - make_interval(secs => :alive)"


async def note(session: AsyncSession, worker_id: int, card: WorkerCard, *, age_seconds: float) -> None:
    """Write down who a worker is, unless that is known already."""
    row = insert(WorkerNote).values(
        id=worker_id,
        name=card.name,
        version=card.version,
        queues=list(card.queues),
        stages_at_once=card.stages_at_once,
        started_at=in_seconds(-age_seconds),
    )
    await session.execute(row.on_conflict_do_nothing())


async def forget_gone(session: AsyncSession) -> None:
    """Remove what is known of workers that the queue library knows no more."""
    await session.execute(
        text("""
            DELETE FROM workers AS known
            WHERE NOT EXISTS (SELECT 1 FROM procrastinate_workers AS worker WHERE worker.id = known.id)
        """)
    )


async def count_alive(session: AsyncSession, *, alive_seconds: float) -> int:
    """Count the workers that gave a sign of life within so many seconds."""
    counted = text(f"SELECT count(*) FROM procrastinate_workers AS worker WHERE {_ALIVE}")  # noqa: S608 - a constant
    return await session.scalar(counted, {"alive": alive_seconds}) or 0


async def is_alive_on(session: AsyncSession, machine: str, *, alive_seconds: float) -> bool:
    """Say whether a worker of this machine, named as ``WorkerCard.name`` does, gave a sign of life within so many seconds."""
    asked = text(f"""
        SELECT EXISTS (
            SELECT 1 FROM procrastinate_workers AS worker JOIN workers AS known ON known.id = worker.id
            WHERE starts_with(known.name, :machine || ':') AND {_ALIVE}
        )
    """)  # noqa: S608 - a constant
    return bool(await session.scalar(asked, {"machine": machine, "alive": alive_seconds}))


async def list_workers(session: AsyncSession, *, alive_seconds: float) -> list[SeenWorker]:
    """Return all workers, the oldest first, with their work; one that fell silent stays until recovery removes it."""
    held = await _list_held(session)
    rows = await session.execute(
        text(f"""
            SELECT worker.id, known.name, known.version, known.queues, known.stages_at_once, known.started_at,
                   worker.last_heartbeat, {_ALIVE}
            FROM procrastinate_workers AS worker LEFT JOIN workers AS known ON known.id = worker.id
            ORDER BY worker.id
        """),  # noqa: S608 - a constant
        {"alive": alive_seconds},
    )
    return [
        SeenWorker(
            id=row[0],
            name=row[1],
            version=row[2],
            queues=row[3],
            stages_at_once=row[4],
            started_at=row[5],
            last_heartbeat_at=row[6],
            is_alive=row[7],
            work=held[row[0]],
        )
        for row in rows
    ]


async def _list_held(session: AsyncSession) -> Mapping[int, list[HeldWork]]:
    """Return the jobs in the hands of each worker. A stage's run counts only where it is this job that claimed it."""
    rows = await session.execute(
        text("""
            SELECT job.worker_id, job.task_name, run.item_id, job.args ->> 'stage', run.attempt, run.progress_seconds,
                   item.duration_seconds,
                   (SELECT max(event.at) FROM run_events AS event WHERE event.run_id = run.id AND event.event = 'claimed')
            FROM procrastinate_jobs AS job
            LEFT JOIN pipeline_queue AS run ON run.job_id = job.id AND run.claim IS NOT NULL
            LEFT JOIN items AS item ON item.id = run.item_id
            WHERE job.status = 'doing' AND job.worker_id IS NOT NULL
            ORDER BY job.id
        """)
    )
    held: dict[int, list[HeldWork]] = defaultdict(list)
    for worker_id, task, item_id, stage, attempt, progress, duration, since in rows:
        held[worker_id].append(
            HeldWork(
                task=task,
                item_id=item_id,
                stage=stage,
                attempt=attempt,
                since=since,
                progress_seconds=progress,
                duration_seconds=duration,
            )
        )
    return held
