"""Jobs in the hands of workers: who holds one, that its worker lives, and how it is given back.

The rows are the queue library's (Procrastinate 3.10, ``procrastinate_jobs`` and ``procrastinate_workers``). Its own
statements change a job by its number, whoever has it by now; these do so only for the holder. A job is taken from a
worker that fell silent by offering it again, which raises its ``attempts``: number, worker and attempts name one holder.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldJob:
    """A job as a worker took it."""

    id: int
    worker_id: int
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftJob:
    """A job whose worker fell silent."""

    id: int
    run_id: int | None
    """None: a chore, which belongs to no run."""
    stage: str | None


_HELD = "job.id = :id AND job.worker_id = :worker_id AND job.attempts = :attempts AND job.status = 'doing'"


async def beat(session: AsyncSession, worker_id: int) -> bool:
    """Say that a worker lives. One whose row was removed meanwhile is registered again under its number: True."""
    inserted = await session.scalar(
        text("""
            INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE
            VALUES (:worker_id, clock_timestamp())
            ON CONFLICT (id) DO UPDATE SET last_heartbeat = excluded.last_heartbeat
            RETURNING xmax = 0
        """),
        {"worker_id": worker_id},
    )
    return bool(inserted)


async def is_held(session: AsyncSession, job: HeldJob) -> bool:
    """Return whether the job still belongs to that worker."""
    found = await session.scalar(text(f"SELECT true FROM procrastinate_jobs AS job WHERE {_HELD}"), _given(job))  # noqa: S608 - constants
    return bool(found)


async def finish(session: AsyncSession, job: HeldJob, *, status: str, delete: bool) -> bool:
    """End a job; False, and nothing is changed, where somebody else has it by now."""
    return await _changed(
        session,
        "procrastinate_finish_job_v1(held.id, CAST(:status AS procrastinate_job_status), :delete)",
        job,
        status=status,
        delete=delete,
    )


async def put_back(session: AsyncSession, job: HeldJob, *, retry_at: datetime) -> bool:
    """Offer a job again from then on; False, and nothing is changed, where somebody else has it by now."""
    return await _changed(
        session, "procrastinate_retry_job_v2(held.id, :retry_at, NULL, NULL, NULL)", job, retry_at=retry_at
    )


async def _changed(session: AsyncSession, call: str, job: HeldJob, **given: Any) -> bool:
    held = f"SELECT job.id FROM procrastinate_jobs AS job WHERE {_HELD} FOR UPDATE"  # noqa: S608 - constants
    done = await session.execute(text(f"SELECT {call} FROM ({held}) AS held"), {**_given(job), **given})  # noqa: S608
    return done.first() is not None


async def list_left(session: AsyncSession, *, silent_seconds: float) -> list[LeftJob]:
    """Jobs whose worker has no row, or has not beaten for so long; locked until the transaction ends."""
    rows = await session.execute(
        text("""
            SELECT job.id, (job.args ->> 'run_id')::bigint, job.args ->> 'stage'
            FROM procrastinate_jobs AS job
            LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
            WHERE job.status = 'doing'
              AND (worker.id IS NULL OR worker.last_heartbeat < clock_timestamp() - make_interval(secs => :silent))
            ORDER BY job.id
            FOR UPDATE OF job SKIP LOCKED
        """),
        {"silent": silent_seconds},
    )
    return [LeftJob(id=row[0], run_id=row[1], stage=row[2]) for row in rows]


async def offer_again(session: AsyncSession, job_id: int, *, wait_seconds: float = 0.0) -> None:
    """Take a job from whoever holds it and put it back into the queue, to be taken after so many seconds."""
    await session.execute(
        text("""
            SELECT procrastinate_retry_job_v2(
                :id, clock_timestamp() + make_interval(secs => :wait), NULL, NULL, NULL)
        """),
        {"id": job_id, "wait": wait_seconds},
    )


async def offer_strays(session: AsyncSession, worker_id: int, *, known: Collection[int]) -> list[int]:
    """Offer again what a worker holds without knowing it: the answer with the job was lost. Returns the jobs' numbers."""
    strays = await session.scalars(
        text("""
            SELECT id FROM procrastinate_jobs
            WHERE status = 'doing' AND worker_id = :worker_id AND NOT id = ANY(CAST(:known AS bigint[]))
            FOR UPDATE
        """),
        {"worker_id": worker_id, "known": list(known)},
    )
    found = list(strays)
    for job_id in found:
        await offer_again(session, job_id)
    return found


async def forget_silent_workers(session: AsyncSession, *, silent_seconds: float) -> None:
    """Remove the rows of workers that have not beaten for so long and hold nothing.

    A worker that was halted in the midst of a heartbeat has its row locked; that row is left to a later look.
    """
    await session.execute(
        text("""
            DELETE FROM procrastinate_workers WHERE id IN (
                SELECT worker.id FROM procrastinate_workers AS worker
                WHERE worker.last_heartbeat < clock_timestamp() - make_interval(secs => :silent)
                  AND NOT EXISTS (
                        SELECT 1 FROM procrastinate_jobs AS job WHERE job.worker_id = worker.id AND job.status = 'doing')
                FOR UPDATE OF worker SKIP LOCKED
            )
        """),
        {"silent": silent_seconds},
    )


def _given(job: HeldJob) -> dict[str, int]:
    return {"id": job.id, "worker_id": job.worker_id, "attempts": job.attempts}
