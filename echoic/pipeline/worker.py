"""The worker: takes stages from the queue, has them run in child processes, records how they end.

It does no heavy work itself, so its heartbeat cannot be starved.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import psycopg
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import __version__
from echoic.db.connect import Database
from echoic.db.loops import LoopNotes
from echoic.db.runs import runs
from echoic.db.runs.held_jobs import HeldJob
from echoic.db.runs.workers import WorkerCard
from echoic.errors import DatabaseUnavailable, EchoicError, StageCrashed
from echoic.logs import get_logger, log_context
from echoic.pipeline.job_holder import JobHolder, held_job
from echoic.pipeline.process import Outcome, StageProcess
from echoic.pipeline.queue import TASK_NAME, JobQueue, make_app
from echoic.pipeline.recovery import Recovery
from echoic.pipeline.retry import RetryPolicy, seconds_until_retry
from echoic.pipeline.stage import CancelRequested, ClaimLost, StageTable, StopRequested
from echoic.pipeline.state_machine import Claimed, RunStateMachine
from echoic.settings import Settings
from echoic.tracing import Span, carried, span
from echoic.upkeep import Upkeep

WATCH_INTERVAL_SECONDS = 1.0
"""Seconds between looks at a running stage for a cancel and a lost claim."""

RESTART_WAIT_SECONDS = 1.0
"""Pause before the database is asked again after it was away."""

CHORE_ATTEMPTS = 6
CHORE_RETRY_SECONDS = 5.0
"""Wait before the second attempt at a chore; doubles with each further one."""

ResultT = TypeVar("ResultT")
Chore: TypeAlias = Callable[..., Awaitable[None]]
"""Light work that belongs to no run, done in the worker itself: gets the database and what it was put in with. It may be
done more than once."""

logger = get_logger(__name__)


class TryAgainError(Exception):
    """Tells the queue to offer this job again after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.1f} s")
        self.seconds = seconds


class _RetryStrategy(BaseRetryStrategy):
    """The queue asks us when to retry; the decision was made when the failure was recorded."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        if isinstance(exception, TryAgainError):
            return RetryDecision(retry_in={"milliseconds": int(exception.seconds * 1000)})
        return None


class _ChoreRetries(_RetryStrategy):
    """A chore that fails unexpectedly is tried again, with growing waits, and in the end kept in the table as failed."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        decision = super().get_retry_decision(exception=exception, job=job)
        if decision is None and job.attempts + 1 < CHORE_ATTEMPTS:
            return RetryDecision(retry_in={"milliseconds": int(CHORE_RETRY_SECONDS * 1000 * 2**job.attempts)})
        return decision


class Worker:
    """Works on the stages of the queues named in the settings until told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        table: StageTable[Any],
        command: Sequence[str],
        environment: dict[str, str],
        chores: Mapping[str, Chore] | None = None,
    ) -> None:
        self._settings = settings
        self._chores = chores or {}
        self._database = database
        queue = JobQueue(database)
        self._machine = RunStateMachine(table, queue, max_attempts=settings.stage_max_attempts)
        self._policy = RetryPolicy(
            max_attempts=settings.stage_max_attempts, base_seconds=settings.stage_retry_base_seconds
        )
        self._processes = [StageProcess(command, environment) for _ in range(settings.worker_concurrency)]
        self._idle: asyncio.Queue[StageProcess] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._app = self._make_app()
        self._jobs = JobHolder(
            self._app.connector,
            table,
            database,
            card=self._card(),
            decoded_max_gb=settings.decoded_max_gb,
            stopping=self._stop,
        )
        self._app.job_manager = self._jobs

    def stop(self) -> None:
        """Ask the worker to stop: running stages are given back to the queue at their next checkpoint."""
        self._stop.set()

    async def run(self) -> None:
        """Work until ``stop`` is called, through restarts of the database."""
        for process in self._processes:
            await process.start()
            self._idle.put_nowait(process)
        logger.info("worker_started", worker=self._name, queues=self._settings.worker_queues)
        try:
            async with self._upkeep().kept():
                while not self._stop.is_set():
                    await self._work_while_connected()
        finally:
            await asyncio.gather(*(process.kill() for process in self._processes))
            logger.info("worker_stopped", worker=self._name)

    def _card(self) -> WorkerCard:
        settings = self._settings
        return WorkerCard(
            name=self._name,
            version=__version__,
            queues=settings.worker_queues,
            stages_at_once=settings.worker_concurrency,
        )

    def _upkeep(self) -> Upkeep:
        """The worker's own loops. Those of the queue library end when it is told to stop, before the last job has ended."""
        settings = self._settings
        recovery = Recovery(
            self._database, self._machine, self._policy, stalled_seconds=settings.worker_stalled_seconds
        )
        upkeep = Upkeep(LoopNotes(self._database))
        beat = settings.worker_heartbeat_seconds
        upkeep.add("heartbeat", self._jobs.beat, every_seconds=beat, longest_wait_seconds=beat)
        upkeep.add(
            "recovery", recovery.look, every_seconds=recovery.every_seconds, longest_wait_seconds=recovery.every_seconds
        )
        return upkeep

    def _make_app(self) -> App:
        app = make_app(self._database)

        async def stage(context: JobContext, run_id: int, stage: str) -> None:
            await self._work(context, run_id, stage)

        app.task(name=TASK_NAME, pass_context=True, retry=_RetryStrategy())(stage)
        for name, chore in self._chores.items():
            app.task(name=name, retry=_ChoreRetries())(self._chore(name, chore))
        return app

    def _chore(self, name: str, chore: Chore) -> Callable[..., Awaitable[None]]:
        async def work(**arguments: Any) -> None:
            try:
                await chore(self._database, **arguments)
            except DatabaseUnavailable as error:
                logger.warning("chore_postponed", chore=name)
                raise TryAgainError(RESTART_WAIT_SECONDS) from error

        return work

    async def _work_while_connected(self) -> None:
        settings = self._settings
        try:
            async with self._app.open_async():
                queue_worker = asyncio.create_task(
                    self._app.run_worker_async(
                        queues=list(settings.worker_queues),
                        name=self._name,
                        concurrency=settings.worker_concurrency,
                        fetch_job_polling_interval=settings.worker_poll_seconds,
                        delete_jobs="successful",
                        install_signal_handlers=False,
                    )
                )
                stopping = asyncio.create_task(self._stop.wait())
                await asyncio.wait({queue_worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if not queue_worker.done():
                    queue_worker.cancel()
                await asyncio.gather(queue_worker, return_exceptions=self._stop.is_set())
        except (ConnectorException, psycopg.OperationalError) as error:
            logger.warning("queue_unreachable", error=str(error.__cause__ or error))
        if not self._stop.is_set():
            logger.info("queue_taken_up_again", wait_seconds=RESTART_WAIT_SECONDS)
            await asyncio.sleep(RESTART_WAIT_SECONDS)

    async def _work(self, context: JobContext, run_id: int, stage: str) -> None:
        job = held_job(context.job)
        claimed = await self._while_database_is_away(lambda: self._claim(run_id, stage, job))
        if claimed is None:
            return
        with log_context(run_id=run_id, item_id=claimed.item_id, stage=stage), _span_of(claimed) as traced:
            claimed = replace(claimed, traceparent=carried() or claimed.traceparent)
            process = await self._idle.get()
            started = time.monotonic()
            try:
                outcome = await self._watch(process, claimed)
            finally:
                self._idle.put_nowait(process)
            if outcome.error is not None:
                traced.fail(outcome.error.code)
            elif outcome.interrupted is not None or outcome.lost:
                traced.note({"echoic.interrupted": outcome.interrupted or "lost"})
            wait = await self._conclude(claimed, outcome, time.monotonic() - started)
        if wait is not None:
            raise TryAgainError(wait)

    async def _claim(self, run_id: int, stage: str, job: HeldJob) -> Claimed | None:
        async with self._database.transaction() as session:
            return await self._machine.claim(session, run_id=run_id, stage=stage, worker=self._name, job=job)

    async def _watch(self, process: StageProcess, claimed: Claimed) -> Outcome:
        """Run the stage in its process; end it early on a stop, a cancel or a lost claim."""
        running = asyncio.create_task(process.run(claimed))
        stopping = asyncio.create_task(self._stop.wait())
        reason: str | None = None
        try:
            while not running.done() and reason is None:
                await asyncio.wait(
                    {running, stopping}, timeout=WATCH_INTERVAL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if stopping.done():
                    reason = StopRequested.__name__
                elif not running.done():
                    reason = await self._reason_to_stop(claimed)
            if running.done():
                return running.result()
            return await self._end_early(process, running, reason or StopRequested.__name__)
        finally:
            stopping.cancel()

    async def _reason_to_stop(self, claimed: Claimed) -> str | None:
        try:
            async with self._database.transaction() as session:
                cancel = await runs.is_cancel_requested(session, run_id=claimed.run_id, claim=claimed.claim)
        except DatabaseUnavailable:
            logger.warning("watch_without_database")
            return None
        if cancel is None:
            # Either overtaken or, a moment ago, completed by the child itself, whose answer is on its way.
            return ClaimLost.__name__
        return CancelRequested.__name__ if cancel else None

    async def _end_early(self, process: StageProcess, running: "asyncio.Task[Outcome]", reason: str) -> Outcome:
        await process.interrupt()
        done, _ = await asyncio.wait({running}, timeout=self._settings.worker_grace_seconds)
        if not done:
            await process.kill()
        outcome = await running
        if outcome.interrupted is not None or not done:
            return Outcome(interrupted=reason)
        return outcome

    async def _conclude(self, claimed: Claimed, outcome: Outcome, seconds: float) -> float | None:
        """Write down how the stage ended, as soon as the database is there; see ``_record``."""
        try:
            return await self._record(claimed, outcome, seconds)
        except DatabaseUnavailable:
            if isinstance(outcome.error, StageCrashed):
                # Whatever took the database away may have taken the child, too: that says nothing of the stage.
                outcome = Outcome(lost=True)
            return await self._while_database_is_away(lambda: self._record(claimed, outcome, seconds))

    async def _record(self, claimed: Claimed, outcome: Outcome, seconds: float) -> float | None:
        """Write down how the stage ended; returns after how many seconds the job is to be offered again."""
        try:
            async with self._database.transaction() as session:
                if outcome.lost or (self._stop.is_set() and isinstance(outcome.error, StageCrashed)):
                    await self._machine.lose(session, claimed)
                    return 0.0
                if outcome.error is not None:
                    return await self._record_failure(session, claimed, outcome.error, seconds)
                if outcome.interrupted == StopRequested.__name__:
                    await self._machine.release(session, claimed)
                    return 0.0
                if outcome.interrupted == CancelRequested.__name__:
                    await self._machine.end_cancelled(session, claimed)
        except ClaimLost:
            logger.warning("claim_lost")
        return None

    async def _record_failure(
        self, session: AsyncSession, claimed: Claimed, error: EchoicError, seconds: float
    ) -> float | None:
        earlier = await self._machine.earlier_failures(session, claimed)
        wait = seconds_until_retry(error, earlier=earlier, policy=self._policy)
        if wait is None:
            await self._machine.fail(session, claimed, error, seconds=seconds)
        else:
            await self._machine.retry_later(session, claimed, error, seconds=seconds)
        logger.warning(
            "stage_failed", code=error.code, error=error.message, attempt=claimed.attempt, retry_in_seconds=wait
        )
        return wait

    async def _while_database_is_away(self, act: Callable[[], Awaitable[ResultT]]) -> ResultT:
        while True:
            try:
                return await act()
            except DatabaseUnavailable:
                if self._stop.is_set():
                    raise TryAgainError(0.0) from None  # nobody waits any more; recovery finds what is left
                logger.warning("waiting_for_database")
                await asyncio.sleep(RESTART_WAIT_SECONDS)


def _span_of(claimed: Claimed) -> Span:
    return span(
        f"stage {claimed.stage}",
        kind="consumer",
        parent=claimed.traceparent,
        attributes={
            "echoic.stage": claimed.stage,
            "echoic.run_id": claimed.run_id,
            "echoic.item_id": claimed.item_id,
            "echoic.attempt": claimed.attempt,
        },
    )
