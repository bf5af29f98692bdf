"""Pipeline runs, the results of their stages, checkpoints inside a stage, and what happened when.

A run goes through its stages one at a time. Whoever works on a stage holds the run's *claim*, a random token; every
write about that stage is made only while the run still carries the token, so that a worker believed dead cannot
overwrite its successor.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    Uuid,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey
from echoic.db.connect import IDLE_TRANSACTION_SECONDS
from echoic.db.items.items import Item
from echoic.errors import EchoicError
from echoic.notices import Notice

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ACTIVE_STATES: tuple[RunState, ...] = ("queued", "running")
DEFAULT_PRIORITY = 100

RECOVERY_LOCK = 0x7265636F766572
"""Key of the advisory lock of the one worker that recovers lost work: the bytes of 'recover'."""


class PipelineRun(Base):
    """One pass of an item through the stages."""

    __tablename__ = "pipeline_queue"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index(
            "uq_pipeline_queue_active_item",
            "item_id",
            unique=True,
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_pipeline_queue_active", "state", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_pipeline_queue_item_id", "item_id"),
    )

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    state: Mapped[RunState] = mapped_column(Text, server_default="queued")
    stage: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default=text(str(DEFAULT_PRIORITY)))
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What was asked of the run, by the item's upload and by whoever started the run or took it up again."""
    resolved_options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What its stages work by; None until the first stage begins after the run was started or taken up again."""
    traceparent: Mapped[str | None]
    """The span that its stages belong to; None where nothing was traced when it was started or taken up again."""
    job_id: Mapped[int | None]
    claim: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    claimed_by: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    progress_seconds: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    error_code: Mapped[str | None]
    error_stage: Mapped[str | None]
    error_message: Mapped[str | None]
    waiting_since: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def active(self) -> bool:
        """Return whether the run is still on its way."""
        return self.state in ACTIVE_STATES


class StageResult(Base):
    """A finished stage of a run: its output, or the failure of a stage the run can do without."""

    __tablename__ = "stage_results"
    __table_args__ = (CheckConstraint("outcome IN ('done', 'failed')", name="outcome"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("pipeline_queue.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    outcome: Mapped[str] = mapped_column(server_default="done")
    output: Mapped[dict[str, Any]]
    attempt: Mapped[int]
    seconds: Mapped[float]
    audio_seconds: Mapped[float | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    notices: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    """What the stage wants to be known of the item, as ``Notice.to_object`` writes it."""
    finished_at: Mapped[CreatedAt]


class StageCheckpoint(Base):
    """A finished part of an unfinished stage, so that an interruption repeats minutes, not hours."""

    __tablename__ = "stage_checkpoints"

    run_id: Mapped[int] = mapped_column(ForeignKey("pipeline_queue.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[CreatedAt]


class RunEvent(Base):
    """One transition of a run: what a person reads to see what happened."""

    __tablename__ = "run_events"

    id: Mapped[PrimaryKey]
    run_id: Mapped[int] = mapped_column(ForeignKey("pipeline_queue.id", ondelete="CASCADE"), index=True)
    stage: Mapped[str]
    event: Mapped[str]
    attempt: Mapped[int]
    worker: Mapped[str | None]
    code: Mapped[str | None]
    message: Mapped[str | None]
    at: Mapped[CreatedAt]


async def create_run(
    session: AsyncSession, *, item_id: int, stage: str, priority: int, options: dict[str, Any]
) -> PipelineRun:
    """Make a run that waits at the given stage."""
    run = PipelineRun(item_id=item_id, stage=stage, priority=priority, options=options)
    session.add(run)
    await session.flush()
    await add_event(session, run, "queued")
    return run


async def get_run(session: AsyncSession, run_id: int) -> PipelineRun | None:
    """Return one run by its id."""
    return await session.get(PipelineRun, run_id)


async def forget_option(session: AsyncSession, run_id: int, name: str) -> None:
    """Forget something that was asked of a run, once nothing that is left to do needs it."""
    run = await get_run(session, run_id)
    if run is None:
        return
    run.options = {each: value for each, value in run.options.items() if each != name}
    if run.resolved_options is not None:
        run.resolved_options = {each: value for each, value in run.resolved_options.items() if each != name}


async def lock_run(session: AsyncSession, run_id: int) -> PipelineRun | None:
    """Return a run, fresh from the database and locked until the transaction ends."""
    return await session.scalar(
        select(PipelineRun).where(PipelineRun.id == run_id).with_for_update().execution_options(populate_existing=True)
    )


async def newest_run(session: AsyncSession, item_id: int, *, lock: bool = False) -> PipelineRun | None:
    """Return an item's latest run."""
    query = select(PipelineRun).where(PipelineRun.item_id == item_id).order_by(PipelineRun.id.desc()).limit(1)
    if lock:
        query = query.with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def lock_active_runs_of(session: AsyncSession, dataset_id: int) -> None:
    """Let no worker go on with any item of a dataset until the transaction ends."""
    of_dataset = select(Item.id).where(Item.dataset_id == dataset_id)
    await session.execute(
        select(PipelineRun.id)
        .where(PipelineRun.item_id.in_(of_dataset), PipelineRun.state.in_(ACTIVE_STATES))
        .order_by(PipelineRun.id)
        .with_for_update()
    )


async def add_event(
    session: AsyncSession, run: PipelineRun, event: str, *, code: str | None = None, message: str | None = None
) -> None:
    """Leave a trace of a transition."""
    session.add(
        RunEvent(
            run_id=run.id,
            stage=run.stage,
            event=event,
            attempt=run.attempt or 0,
            worker=run.claimed_by,
            code=code,
            message=message,
        )
    )
    await session.flush()


async def list_events(session: AsyncSession, run_id: int, *, after_id: int = 0) -> list[RunEvent]:
    """Return what happened to a run, in order, after a given event."""
    return list(
        await session.scalars(
            select(RunEvent).where(RunEvent.run_id == run_id, RunEvent.id > after_id).order_by(RunEvent.id)
        )
    )


async def count_lost(session: AsyncSession, run: PipelineRun) -> int:
    """Return how many workers in a row went away over a run's present stage: since it was started or taken up again, and since
    its last checkpoint, for a stage that gets on is not what ends them.
    """
    of_stage = (StageCheckpoint.run_id == run.id, StageCheckpoint.stage == run.stage)
    checkpoint = select(func.max(StageCheckpoint.created_at)).where(*of_stage).scalar_subquery()
    lost = select(func.count()).where(*_at_present(run), RunEvent.event == "lost")
    return await session.scalar(lost.where(or_(checkpoint.is_(None), RunEvent.at > checkpoint))) or 0


async def count_retries(session: AsyncSession, run: PipelineRun) -> dict[str, int]:
    """Count the failures after which a run's present stage was to be tried again, by the code of the error.

    Failures before the run was last started or taken up again do not count.
    """
    rows = await session.execute(
        select(RunEvent.code, func.count()).where(*_at_present(run), RunEvent.event == "retry").group_by(RunEvent.code)
    )
    return {code: count for code, count in rows if code is not None}


def _at_present(run: PipelineRun) -> tuple[ColumnElement[bool], ...]:
    """Return what happened to a run's present stage since the run was started or taken up again."""
    of_run = RunEvent.run_id == run.id
    queued = select(func.max(RunEvent.id)).where(of_run, RunEvent.event == "queued").correlate(None).scalar_subquery()
    return of_run, RunEvent.stage == run.stage, RunEvent.id > func.coalesce(queued, 0)


async def add_result(
    session: AsyncSession,
    run: PipelineRun,
    *,
    version: int,
    seconds: float,
    output: dict[str, Any] | None = None,
    audio_seconds: float | None = None,
    error: EchoicError | None = None,
    notices: Sequence[Notice] = (),
) -> None:
    """Keep the result of a run's present stage; with an ``error``, that of a stage that the run goes on without."""
    session.add(
        StageResult(
            run_id=run.id,
            stage=run.stage,
            version=version,
            outcome="failed" if error else "done",
            output=output or {},
            attempt=run.attempt,
            seconds=seconds,
            audio_seconds=audio_seconds,
            error_code=error.code if error else None,
            error_message=error.message if error else None,
            notices=[notice.to_object() for notice in notices],
        )
    )
    await session.flush()


async def stage_result(session: AsyncSession, run_id: int, stage: str) -> StageResult | None:
    """Return the stored result of a stage, if it is finished."""
    return await session.get(StageResult, (run_id, stage))


async def list_results(session: AsyncSession, run_id: int) -> list[StageResult]:
    """Return the finished stages of a run in the order in which they finished."""
    return list(
        await session.scalars(select(StageResult).where(StageResult.run_id == run_id).order_by(StageResult.finished_at))
    )


async def last_left_out(session: AsyncSession, run_id: int) -> StageResult | None:
    """Return the last optional stage that failed for good, and that the run went on without."""
    failed = select(StageResult).where(StageResult.run_id == run_id, StageResult.outcome == "failed")
    return await session.scalar(failed.order_by(StageResult.finished_at.desc()).limit(1))


async def notices_of(session: AsyncSession, run_id: int) -> list[Notice]:
    """Return what the finished stages of a run want to be known, in their order."""
    results = await list_results(session, run_id)
    return [Notice.from_object(stored) for result in results for stored in result.notices]


async def report_progress(session: AsyncSession, *, run_id: int, claim: uuid.UUID, seconds: float) -> bool | None:
    """Note how far a stage has come; tells whether a cancel was asked for, None where the claim is lost."""
    return await session.scalar(
        update(PipelineRun)
        .where(PipelineRun.id == run_id, PipelineRun.claim == claim)
        .values(progress_seconds=seconds)
        .returning(PipelineRun.cancel_requested)
    )


async def is_cancel_requested(session: AsyncSession, *, run_id: int, claim: uuid.UUID) -> bool | None:
    """Return whether somebody asked for the run to be cancelled; None where the claim is lost."""
    return await session.scalar(
        select(PipelineRun.cancel_requested).where(PipelineRun.id == run_id, PipelineRun.claim == claim)
    )


async def save_checkpoint(
    session: AsyncSession, *, run_id: int, stage: str, part: int, payload: dict[str, Any]
) -> None:
    """Keep a finished part of a stage; a part kept already stays as it is."""
    await session.execute(
        insert(StageCheckpoint).values(run_id=run_id, stage=stage, part=part, payload=payload).on_conflict_do_nothing()
    )


async def load_checkpoints(session: AsyncSession, *, run_id: int, stage: str) -> list[dict[str, Any]]:
    """Load the payloads of a stage's checkpoints, in the order of their parts."""
    return list(
        await session.scalars(
            select(StageCheckpoint.payload)
            .where(StageCheckpoint.run_id == run_id, StageCheckpoint.stage == stage)
            .order_by(StageCheckpoint.part)
        )
    )


async def drop_checkpoints(session: AsyncSession, *, run_id: int, stage: str) -> None:
    """Forget the parts of a stage that is finished as a whole."""
    await session.execute(
        delete(StageCheckpoint).where(StageCheckpoint.run_id == run_id, StageCheckpoint.stage == stage)
    )


async def list_runs_without_live_job(session: AsyncSession, *, silent_seconds: float) -> list[PipelineRun]:
    """Active runs that no job will carry on: it is gone, or ended without the run moving on.

    A run counts only when nothing happened to it for ``silent_seconds``, so that one between two jobs is left alone.
    """
    rows = await session.scalars(
        select(PipelineRun)
        .from_statement(
            text("""
                SELECT run.* FROM pipeline_queue AS run
                WHERE run.state IN ('queued', 'running')
                  AND NOT EXISTS (
                        SELECT 1 FROM procrastinate_jobs AS job
                        WHERE job.id = run.job_id AND job.status IN ('todo', 'doing'))
                  AND (SELECT max(event.at) FROM run_events AS event WHERE event.run_id = run.id)
                        < now() - make_interval(secs => :silent)
                FOR UPDATE OF run SKIP LOCKED
            """)
        )
        .execution_options(populate_existing=True),
        {"silent": silent_seconds},
    )
    return list(rows)


async def now(session: AsyncSession) -> datetime:
    """Return the database's clock, which all workers share."""
    moment: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return moment


async def lock_recovery(session: AsyncSession, *, idle_seconds: float) -> bool:
    """Try to become the one that recovers lost work until the transaction ends.

    The server ends the transaction when nothing comes for so long: a process that is halted in its midst would keep every
    other one from recovering.
    """
    bound_ms = round(min(idle_seconds, IDLE_TRANSACTION_SECONDS) * 1000)
    idle = func.set_config("idle_in_transaction_session_timeout", f"{bound_ms}ms", True)
    await session.execute(select(idle))
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(RECOVERY_LOCK))))
