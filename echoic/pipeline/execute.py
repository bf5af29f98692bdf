"""Runs one claimed stage: loads its checkpoints, calls it, stores its output and the next job in one transaction."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from echoic.db.connect import Database
from echoic.db.runs import runs
from echoic.errors import DatabaseUnavailable, EchoicError, StageInternalError, ValueNotStorable
from echoic.logs import get_logger
from echoic.pipeline.stage import CancelRequested, ClaimLost, StageContext, StageOutput, StageTable, StopRequested
from echoic.pipeline.state_machine import Claimed, RunStateMachine

PROGRESS_INTERVAL_SECONDS = 1.0
"""Least time between two progress reports of one stage."""

# Finished work is worth waiting for: a database that restarts is back within seconds.
COMMIT_PATIENCE_SECONDS = 120.0
COMMIT_RETRY_SECONDS = 0.5

logger = get_logger(__name__)


class StageExecution:
    """One execution of a claimed stage."""

    def __init__(
        self,
        claimed: Claimed,
        *,
        table: StageTable[Any],
        tools: Any,
        database: Database,
        machine: RunStateMachine,
        stop: asyncio.Event,
    ) -> None:
        self._claimed = claimed
        self._table = table
        self._tools = tools
        self._database = database
        self._machine = machine
        self._stop = stop
        self._reported_at = 0.0

    async def run(self) -> None:
        """Run the stage to its stored completion.

        Raises:
            RunInterrupted: stopped, cancelled or overtaken; nothing was stored but checkpoints.
            EchoicError: the stage failed.
        """
        started = time.monotonic()
        with _as_failure("it ran"):
            output = await self._call()
        seconds = time.monotonic() - started
        with _as_failure("its output was stored"):
            await self._patiently(lambda: self._complete(output, seconds))
        if output.after_commit is not None:
            await self._clean_up(output.after_commit)

    async def _call(self) -> StageOutput:
        stage = self._table[self._claimed.stage]
        if stage.run is None:
            raise StageInternalError(f"The stage '{stage.name}' has nothing to run.")
        async with self._database.transaction() as session:
            run = await runs.lock_run(session, self._claimed.run_id)
            if run is None or run.claim != self._claimed.claim:
                raise ClaimLost
            if run.resolved_options is None:
                run.resolved_options = await self._table.resolve(session, run.item_id, run.options, self._tools)
            checkpoints = await runs.load_checkpoints(session, run_id=run.id, stage=stage.name)
        self._parts = len(checkpoints)
        return await stage.run(
            StageContext(
                run_id=run.id,
                item_id=run.item_id,
                claim=self._claimed.claim,
                options=run.resolved_options,
                tools=self._tools,
                progress=self._progress,
                checkpoints=checkpoints,
                save_checkpoint=self._save_checkpoint,
            )
        )

    async def _progress(self, seconds: float) -> None:
        if not math.isfinite(seconds):
            raise ValueNotStorable(
                f"The progress of the stage '{self._claimed.stage}' is {seconds}, not a finite number."
            )
        if self._stop.is_set():
            raise StopRequested
        if time.monotonic() - self._reported_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._reported_at = time.monotonic()
        try:
            async with self._database.transaction() as session:
                cancel = await runs.report_progress(
                    session, run_id=self._claimed.run_id, claim=self._claimed.claim, seconds=seconds
                )
        except DatabaseUnavailable:
            # Progress is a courtesy to those who watch; the work itself can go on without the database for a while.
            logger.warning("progress_not_reported", stage=self._claimed.stage)
            return
        if cancel is None:
            raise ClaimLost
        if cancel:
            raise CancelRequested

    async def _save_checkpoint(self, payload: dict[str, Any]) -> None:
        part = self._parts
        await self._patiently(lambda: self._store_checkpoint(part, payload))
        self._parts += 1
        if self._stop.is_set():
            raise StopRequested

    async def _store_checkpoint(self, part: int, payload: dict[str, Any]) -> None:
        async with self._database.transaction() as session:
            run = await runs.lock_run(session, self._claimed.run_id)
            if run is None or run.claim != self._claimed.claim:
                raise ClaimLost
            await runs.save_checkpoint(session, run_id=run.id, stage=self._claimed.stage, part=part, payload=payload)

    async def _complete(self, output: StageOutput, seconds: float) -> None:
        try:
            async with self._database.transaction() as session:
                await self._machine.complete(session, self._claimed, output, seconds=seconds)
        except ClaimLost:
            # A commit whose answer got lost with the connection looks like a lost claim at the second try.
            if not await self._is_stored():
                raise

    async def _is_stored(self) -> bool:
        async with self._database.transaction() as session:
            result = await runs.stage_result(session, self._claimed.run_id, self._claimed.stage)
            return result is not None and result.attempt == self._claimed.attempt

    async def _patiently(self, store: Callable[[], Awaitable[None]]) -> None:
        deadline = time.monotonic() + COMMIT_PATIENCE_SECONDS
        while True:
            try:
                return await store()
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
                logger.warning("waiting_for_database", stage=self._claimed.stage)
                await asyncio.sleep(COMMIT_RETRY_SECONDS)

    async def _clean_up(self, clean_up: Callable[[], Awaitable[None]]) -> None:
        try:
            with _as_failure("it cleaned up"):
                await clean_up()
        except EchoicError as error:
            # The stage is done and stored. Bytes without a row are found and removed by the sweep.
            logger.warning("clean_up_failed", stage=self._claimed.stage, code=error.code, error=error.message)


@contextmanager
def _as_failure(during: str) -> Iterator[None]:
    """The border of a stage: whatever it, its engine or the database throws is a failure that can be recorded.

    Only an interruption passes as it is. What is thrown may name what is private: it goes to the log, its type alone
    to the item.
    """
    try:
        yield
    except EchoicError:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # from outside: the process is about to end
        logger.exception("stage_raised", during=during)
        raise StageInternalError(_told(error, during)) from error
    except (Exception, SystemExit) as error:
        logger.exception("stage_raised", during=during)
        raise StageInternalError(_told(error, during)) from error


def _told(error: BaseException, during: str) -> str:
    return f"{StageInternalError.__doc__} ({type(error).__name__}, while {during})"
