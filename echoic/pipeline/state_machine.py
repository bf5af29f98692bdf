"""The state machine of a run: every change of a run's state, each inside the caller's transaction.

What people ask for, and a worker's claim; "-" is nothing to do, names of errors are refusals:

    state      | start     | retry        | cancel       | claim     | item's status
    -----------|-----------|--------------|--------------|-----------|--------------
    no run     | queued    | RunNotActive | RunNotActive | -         | stored
    queued     | RunActive | RunActive    | cancelled    | claimed   | queued
    waiting    | RunActive | RunActive    | cancelled    | claimed   | processing
    claimed    | RunActive | RunActive    | cancelling   | claimed   | processing
    cancelling | RunActive | RunActive    | cancelling   | cancelled | processing
    succeeded  | queued    | RunNotActive | RunNotActive | -         | published
    failed     | queued    | queued       | RunNotActive | -         | failed
    cancelled  | queued    | queued       | RunNotActive | -         | cancelled

How a worker's stage ends:

    event          | claimed   | cancelling      | any other state
    ---------------|-----------|-----------------|----------------
    complete       | waiting   | CancelRequested | ClaimLost
    complete last  | succeeded | CancelRequested | ClaimLost
    fail           | failed    | failed          | ClaimLost
    fail optional  | waiting   | cancelled       | ClaimLost
    retry_later    | waiting   | cancelled       | ClaimLost
    lose           | waiting   | cancelled       | ClaimLost
    release        | waiting   | cancelled       | ClaimLost
    end_cancelled  | cancelled | cancelled       | ClaimLost

*Waiting*, *claimed* and *cancelling* are the state ``running`` in the database: without a claim, with a claim, and with a
claim that is to be given up. An item that was published once stays published. A stage that lost too many workers in a row
fails at the next ``claim`` or ``lose``.

The end of a stage is written in two places. Success is written by the child process (``execute``), in one transaction with
the rows of the stage. Every other end is written by the worker (``worker``), since a child that died can write nothing.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import minutes
from echoic.db.items.items import Item, get_item
from echoic.db.outbox import events
from echoic.db.runs import held_jobs, item_state, runs, totals
from echoic.db.runs.held_jobs import HeldJob
from echoic.db.runs.runs import DEFAULT_PRIORITY, PipelineRun
from echoic.errors import EchoicError, ItemNotFound, RunActive, RunNotActive, WorkersLost
from echoic.notices import Notice
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.retry import losses_allowed
from echoic.pipeline.stage import WITHOUT_STAGES, CancelRequested, ClaimLost, StageOutput, StageTable
from echoic.tracing import carried, span


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A stage that this worker may work on."""

    run_id: int
    item_id: int
    stage: str
    claim: uuid.UUID
    attempt: int
    traceparent: str | None = None
    """The span that the stage belongs to."""


class RunStateMachine:
    """The state machine of the runs of one stage table."""

    def __init__(self, table: StageTable[Any], queue: JobQueue, *, max_attempts: int) -> None:
        self._table = table
        self._queue = queue
        self._max_losses = losses_allowed(max_attempts)

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages in their order."""
        return tuple(stage.name for stage in self._table)

    async def start(
        self,
        session: AsyncSession,
        item: Item,
        *,
        priority: int = DEFAULT_PRIORITY,
        options: dict[str, Any] | None = None,
    ) -> PipelineRun:
        """Queue a new run of all stages for an item; raises RunActive.

        ``options`` are asked of the stages beside those that the item came with, and count before them.
        """
        newest = await runs.newest_run(session, item.id, lock=True)
        if newest is not None and newest.active:
            raise RunActive
        run = await runs.create_run(
            session,
            item_id=item.id,
            stage=self._table.first.name,
            priority=priority,
            options=item.options | (options or {}),
        )
        await self._enqueue_traced(session, run)
        return run

    async def retry(self, session: AsyncSession, item_id: int, *, options: dict[str, Any] | None = None) -> PipelineRun:
        """Take a failed or cancelled run up again at the stage where it ended; finished stages are not repeated.

        ``options`` replace those of the same names for what is left to do.

        Raises:
            RunActive: the run is still on its way.
            RunNotActive: there is no failed or cancelled run.
            ItemNotFound: the item was deleted.
        """
        run = await runs.newest_run(session, item_id, lock=True)
        if run is not None and run.active:
            raise RunActive
        if await get_item(session, item_id) is None:
            raise ItemNotFound
        if run is None or run.state == "succeeded":
            raise RunNotActive("The item has no failed or cancelled run to take up again.")
        run.state = "queued"
        run.options = run.options | (options or {})
        run.cancel_requested, run.attempt, run.claim, run.claimed_by = False, 0, None, None
        run.error_code = run.error_stage = run.error_message = run.finished_at = None
        run.waiting_since = await runs.now(session)
        await runs.add_event(session, run, "queued")
        await self._enqueue_traced(session, run)
        return run

    async def cancel(self, session: AsyncSession, item_id: int) -> PipelineRun:
        """Cancel an item's run: at once where nobody works on it, else as soon as its worker notices.

        Raises:
            RunNotActive: there is nothing to cancel.
        """
        run = await runs.newest_run(session, item_id, lock=True)
        if run is None or not run.active:
            raise RunNotActive
        run.cancel_requested = True
        if run.claim is None:
            await _end_cancelled(session, run)
        return run

    async def requeue(self, session: AsyncSession, run: PipelineRun) -> None:
        """Give an active run that lost its job a new one; its state stays."""
        await runs.add_event(session, run, "requeued")
        await self._queue.put(session, run, self._table[run.stage])

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
            await _end_cancelled(session, run)
            return None
        if run.claim is not None:
            await runs.add_event(session, run, "lost")
            if await self._is_lost_for_good(session, run):
                return None
        if run.state == "queued":
            run.resolved_options = None  # the run starts, or starts again: its first stage resolves its options
        run.claim = uuid.uuid4()
        run.claimed_by = worker
        run.attempt += 1
        run.state = "running"
        run.progress_seconds = None
        run.started_at = run.started_at or await runs.now(session)
        await runs.add_event(session, run, "claimed")
        await _show(session, run)
        return Claimed(
            run_id=run.id,
            item_id=run.item_id,
            stage=stage,
            claim=run.claim,
            attempt=run.attempt,
            traceparent=run.traceparent,
        )

    async def complete(self, session: AsyncSession, claimed: Claimed, output: StageOutput, *, seconds: float) -> None:
        """Store a stage's output and put the next stage into the queue.

        Raises:
            ClaimLost: somebody else works on the stage now; nothing may be stored.
            CancelRequested: the run is to be cancelled; nothing may be stored.
        """
        run = await self._held(session, claimed)
        if run.cancel_requested:
            raise CancelRequested
        found = await output.write(session) if output.write is not None else None
        await runs.add_result(
            session,
            run,
            version=self._table[run.stage].version,
            output=output.output,
            seconds=seconds,
            audio_seconds=output.audio_seconds,
            notices=[*output.notices, *(found or ())],
        )
        await totals.count_stage(session, stage=run.stage, seconds=seconds, audio_seconds=output.audio_seconds or 0.0)
        await runs.add_event(session, run, "done")
        await self._advance(session, run)

    async def fail(self, session: AsyncSession, claimed: Claimed, error: EchoicError, *, seconds: float) -> None:
        """Record that a stage failed for good; the run goes on without it where the stage is optional."""
        await self._fail(session, await self._held(session, claimed), error, seconds=seconds)

    async def earlier_failures(self, session: AsyncSession, claimed: Claimed) -> dict[str, int]:
        """Return the tries of the stage after failures, by code, since the run was started or taken up."""
        return await runs.count_retries(session, await self._held(session, claimed))

    async def retry_later(self, session: AsyncSession, claimed: Claimed, error: EchoicError, *, seconds: float) -> None:
        """Give the claim back after a failure that another attempt may mend."""
        run = await self._held(session, claimed)
        await totals.count_stage(session, stage=run.stage, code=error.code, seconds=seconds)
        await runs.add_event(session, run, "retry", code=error.code, message=error.message)
        await _wait(session, run)

    async def lose(self, session: AsyncSession, claimed: Claimed) -> None:
        """Give the claim back after the child process died while the database was away or the worker was stopping.

        Such a death is no failure of the stage, but too many of them in a row end the stage with WorkersLost.
        """
        run = await self._held(session, claimed)
        await runs.add_event(session, run, "lost")
        if not await self._is_lost_for_good(session, run):
            await _wait(session, run)

    async def release(self, session: AsyncSession, claimed: Claimed) -> None:
        """Give the claim back because the worker stops; that does not count as an attempt."""
        run = await self._held(session, claimed)
        await runs.add_event(session, run, "released")
        run.attempt -= 1
        await _wait(session, run)

    async def end_cancelled(self, session: AsyncSession, claimed: Claimed) -> None:
        """End the run as cancelled."""
        await _end_cancelled(session, await self._held(session, claimed))

    async def _held(self, session: AsyncSession, claimed: Claimed) -> PipelineRun:
        run = await runs.lock_run(session, claimed.run_id)
        if run is None or run.claim != claimed.claim:
            raise ClaimLost
        return run

    async def _enqueue_traced(self, session: AsyncSession, run: PipelineRun) -> None:
        """Queue a run that somebody starts or takes up; its stages belong to the span in which that happens."""
        with span("queue run", kind="producer", attributes={"echoic.run_id": run.id, "echoic.item_id": run.item_id}):
            run.traceparent = carried()
            await self._enqueue(session, run)

    async def _enqueue(self, session: AsyncSession, run: PipelineRun) -> None:
        await _show(session, run)
        await self._queue.put(session, run, self._table[run.stage])

    async def _advance(self, session: AsyncSession, run: PipelineRun) -> None:
        """Go on with the stage that follows; end the run where none does."""
        await runs.drop_checkpoints(session, run_id=run.id, stage=run.stage)
        run.attempt = 0
        following = self._table.after(run.stage, without=run.options.get(WITHOUT_STAGES, ()))
        if following is None:
            await _end(session, run, "succeeded")
            return
        run.stage = following.name
        await _wait(session, run)
        if run.active:
            await self._queue.put(session, run, following)

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

    async def _fail(self, session: AsyncSession, run: PipelineRun, error: EchoicError, *, seconds: float) -> None:
        stage = self._table[run.stage]
        await totals.count_stage(session, stage=stage.name, code=error.code, seconds=seconds)
        await runs.add_event(session, run, "failed", code=error.code, message=error.message)
        if not stage.optional:
            run.error_code, run.error_stage, run.error_message = error.code, stage.name, error.message
            await _end(session, run, "failed")
            return
        left_out = Notice(
            code="stage_left_out",
            message=f"The stage '{stage.name}' failed, and what it would have added is missing: {error.message}",
            detail={"stage": stage.name, "error": error.code},
        )
        await runs.add_result(session, run, version=stage.version, seconds=seconds, error=error, notices=[left_out])
        await self._advance(session, run)


async def _wait(session: AsyncSession, run: PipelineRun) -> None:
    """Give the claim back. A run that is to be cancelled ends with it, since nobody is left to notice the request."""
    if run.cancel_requested:
        await _end_cancelled(session, run)
        return
    await _drop_claim(session, run)
    await _show(session, run)


async def _end_cancelled(session: AsyncSession, run: PipelineRun) -> None:
    await runs.add_event(session, run, "cancelled")
    await _end(session, run, "cancelled")


async def _end(session: AsyncSession, run: PipelineRun, state: Literal["succeeded", "failed", "cancelled"]) -> None:
    """End a run; the minutes that it reserved are used if it succeeded, and free again if not."""
    await _drop_claim(session, run)
    run.state, run.finished_at = state, run.waiting_since
    item = await _show(session, run)
    if state != "cancelled":
        await events.tell_end(session, item, published=state == "succeeded")
    if state == "succeeded":
        await minutes.settle(session, run_id=run.id, seconds=item.duration_seconds)
    else:
        await minutes.refund(session, run_id=run.id)


async def _drop_claim(session: AsyncSession, run: PipelineRun) -> None:
    run.claim = run.claimed_by = run.progress_seconds = None
    run.waiting_since = await runs.now(session)


async def _show(session: AsyncSession, run: PipelineRun) -> Item:
    item = await item_state.show_run(session, run)
    if item is None:
        raise ClaimLost  # the item was deleted, and the run with it
    await session.flush()
    return item
