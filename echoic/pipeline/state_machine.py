"""Every change of a run's state, each inside the caller's transaction and only while the claim is held."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import minutes
from echoic.db.items.items import Item
from echoic.db.runs import held_jobs, item_state, runs, totals
from echoic.db.runs.held_jobs import HeldJob
from echoic.db.runs.runs import PipelineRun, StageResult
from echoic.errors import EchoicError, WorkersLost
from echoic.notices import Notice
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.retry import losses_allowed
from echoic.pipeline.stage import ClaimLost, Stage, StageOutput, StageTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A stage that this worker may work on."""

    run_id: int
    item_id: int
    stage: str
    claim: uuid.UUID
    attempt: int


class RunStateMachine:
    """The transitions of the runs of one stage table."""

    def __init__(self, table: StageTable[Any], queue: JobQueue, *, max_attempts: int) -> None:
        self._table = table
        self._queue = queue
        self._max_losses = losses_allowed(max_attempts)

    async def claim(
        self, session: AsyncSession, *, run_id: int, stage: str, worker: str, job: HeldJob | None = None
    ) -> Claimed | None:
        """Take a stage; None where nothing is left to do about it, or where the ``job`` is not the holder's any more.

        A claim that is still there belongs to a worker believed dead: it is replaced, which shuts that worker out.
        """
        run = await runs.lock_run(session, run_id)
        if run is None or not run.active or run.stage != stage:
            return None
        if job is not None and not (run.job_id == job.id and await held_jobs.is_held(session, job)):
            return None
        if run.cancel_requested:
            await mark_cancelled(session, run)
            return None
        if run.claim is not None:
            await runs.add_event(session, run, "lost")
            if await self._is_lost_for_good(session, run):
                return None
        run.claim = uuid.uuid4()
        run.claimed_by = worker
        run.attempt += 1
        run.state = "running"
        run.progress_seconds = None
        run.started_at = run.started_at or await runs.now(session)
        await runs.add_event(session, run, "claimed")
        await _show(session, run)
        return Claimed(run_id=run.id, item_id=run.item_id, stage=stage, claim=run.claim, attempt=run.attempt)

    async def complete(self, session: AsyncSession, claimed: Claimed, output: StageOutput, *, seconds: float) -> None:
        """Store a stage's output and put the next stage into the queue.

        Raises:
            ClaimLost: somebody else works on the stage now; nothing may be stored.
        """
        run = await self._held(session, claimed)
        stage = self._table[claimed.stage]
        found = await output.write(session) if output.write is not None else None
        self._add_result(
            session,
            run,
            stage,
            output.output,
            seconds=seconds,
            audio_seconds=output.audio_seconds,
            notices=[*output.notices, *(found or ())],
        )
        await totals.count_stage(session, stage=stage.name, seconds=seconds, audio_seconds=output.audio_seconds or 0.0)
        await runs.add_event(session, run, "done")
        await self._advance(session, run, stage)

    async def fail(self, session: AsyncSession, claimed: Claimed, error: EchoicError, *, seconds: float) -> None:
        """Record that a stage failed for good; the run goes on without it where the stage is optional."""
        await self._fail(session, await self._held(session, claimed), error, seconds=seconds)

    async def earlier_failures(self, session: AsyncSession, claimed: Claimed) -> dict[str, int]:
        """How often the stage was to be tried again after a failure, by its code, since the run was started or taken up."""
        return await runs.count_retries(session, await self._held(session, claimed))

    async def retry_later(self, session: AsyncSession, claimed: Claimed, error: EchoicError, *, seconds: float) -> None:
        """Give the claim back after a failure that another attempt may mend; where a cancel was asked for, there is none."""
        run = await self._held(session, claimed)
        await totals.count_stage(session, stage=run.stage, code=error.code, seconds=seconds)
        await runs.add_event(session, run, "retry", code=error.code, message=error.message)
        if run.cancel_requested:  # nobody waits for the next attempt to notice it
            await mark_cancelled(session, run)
            return
        await _give_back(session, run)

    async def lose(self, session: AsyncSession, claimed: Claimed) -> None:
        """Give the claim back because the process that ran the stage was ended together with the database or by a stop."""
        run = await self._held(session, claimed)
        await runs.add_event(session, run, "lost")
        if not await self._is_lost_for_good(session, run):
            await _give_back(session, run)

    async def release(self, session: AsyncSession, claimed: Claimed) -> None:
        """Give the claim back because the worker stops; that does not count as an attempt."""
        run = await self._held(session, claimed)
        await runs.add_event(session, run, "released")
        run.attempt -= 1
        await _give_back(session, run)

    async def cancel(self, session: AsyncSession, claimed: Claimed) -> None:
        """End the run as cancelled."""
        await mark_cancelled(session, await self._held(session, claimed))

    async def requeue(self, session: AsyncSession, run: PipelineRun) -> None:
        """Give a run that lost its job a new one."""
        await runs.add_event(session, run, "requeued")
        await self._queue.put(session, run, self._table[run.stage])

    async def _is_lost_for_good(self, session: AsyncSession, run: PipelineRun) -> bool:
        losses = await runs.count_lost(session, run)
        if losses < self._max_losses:
            return False
        error = WorkersLost(
            f"{losses} workers in a row went away while they ran the stage '{run.stage}', and none said why. Where this "
            "recording ends whole machines, give them more memory or smaller models; then take the item up again."
        )
        await self._fail(session, run, error, seconds=0.0)
        return True

    async def _held(self, session: AsyncSession, claimed: Claimed) -> PipelineRun:
        run = await runs.lock_run(session, claimed.run_id)
        if run is None or run.claim != claimed.claim:
            raise ClaimLost
        return run

    async def _advance(self, session: AsyncSession, run: PipelineRun, stage: Stage[Any]) -> None:
        await runs.drop_checkpoints(session, run_id=run.id, stage=stage.name)
        run.attempt = 0
        await _give_back(session, run)
        following = self._table.after(stage.name)
        if following is None:
            await _end(session, run, "succeeded")
            return
        run.stage = following.name
        await _show(session, run)
        await self._queue.put(session, run, following)

    async def _fail(self, session: AsyncSession, run: PipelineRun, error: EchoicError, *, seconds: float) -> None:
        stage = self._table[run.stage]
        if not stage.optional:
            await self._end_failed(session, run, error, seconds=seconds)
            return
        await totals.count_stage(session, stage=stage.name, code=error.code, seconds=seconds)
        left_out = Notice(
            code="stage_left_out",
            message=f"The stage '{stage.name}' failed, and what it would have added is missing: {error.message}",
            detail={"stage": stage.name, "error": error.code},
        )
        self._add_result(session, run, stage, {}, seconds=seconds, error=error, notices=[left_out])
        await runs.add_event(session, run, "failed", code=error.code, message=error.message)
        await self._advance(session, run, stage)

    async def _end_failed(self, session: AsyncSession, run: PipelineRun, error: EchoicError, *, seconds: float) -> None:
        await totals.count_stage(session, stage=run.stage, code=error.code, seconds=seconds)
        await runs.add_event(session, run, "failed", code=error.code, message=error.message)
        run.error_code, run.error_stage, run.error_message = error.code, run.stage, error.message
        await _give_back(session, run)
        await _end(session, run, "failed")

    def _add_result(
        self,
        session: AsyncSession,
        run: PipelineRun,
        stage: Stage[Any],
        output: dict[str, Any],
        *,
        seconds: float,
        audio_seconds: float | None = None,
        error: EchoicError | None = None,
        notices: Sequence[Notice] = (),
    ) -> None:
        session.add(
            StageResult(
                run_id=run.id,
                stage=stage.name,
                version=stage.version,
                outcome="failed" if error else "done",
                output=output,
                attempt=run.attempt,
                seconds=seconds,
                audio_seconds=audio_seconds,
                error_code=error.code if error else None,
                error_message=error.message if error else None,
                notices=[notice.to_object() for notice in notices],
            )
        )


async def _give_back(session: AsyncSession, run: PipelineRun) -> None:
    run.claim = run.claimed_by = run.progress_seconds = None
    run.waiting_since = await runs.now(session)


async def _end(session: AsyncSession, run: PipelineRun, state: Literal["succeeded", "failed", "cancelled"]) -> None:
    """End a run; the minutes that it reserved are used if it succeeded, and free again if not."""
    run.state, run.finished_at = state, run.waiting_since
    item = await _show(session, run)
    if state == "succeeded":
        await minutes.settle(session, run_id=run.id, seconds=item.duration_seconds)
    else:
        await minutes.refund(session, run_id=run.id)


async def _show(session: AsyncSession, run: PipelineRun) -> Item:
    item = await item_state.show_run(session, run)
    if item is None:
        raise ClaimLost  # the item was deleted, and the run with it, while the stage ran
    return item


async def mark_cancelled(session: AsyncSession, run: PipelineRun) -> None:
    """End a run, and with it its item's processing, as cancelled."""
    await runs.add_event(session, run, "cancelled")
    await _give_back(session, run)
    await _end(session, run, "cancelled")
    await session.flush()
