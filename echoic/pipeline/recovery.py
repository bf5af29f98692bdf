"""Finds work that nobody works on any more and puts it back into the queue. Every worker does it; one at a time.

Recovery only re-queues: who runs a stage is decided by the claim alone, so recovering something twice is harmless.
"""

import time

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.runs import held_jobs, runs, workers
from echoic.logs import get_logger
from echoic.pipeline.retry import RetryPolicy, seconds_after_loss
from echoic.pipeline.state_machine import RunStateMachine

LOOKS_PER_STALL = 3
"""Looks of recovery within the time after which a silent worker is taken for dead."""
MISSED_LOOKS = 1.5
"""A look that comes so many intervals after the last shows that this process, or the database, was away in between."""

logger = get_logger(__name__)


class Recovery:
    """Re-queues the jobs of silent workers, and runs that have no job.

    A worker is silent only if its heart did not beat while the database could be reached all the time: after an outage,
    or after this process itself was halted, everybody gets the whole time again.
    """

    def __init__(
        self, database: Database, machine: RunStateMachine, policy: RetryPolicy, *, stalled_seconds: float
    ) -> None:
        self._database = database
        self._machine = machine
        self._policy = policy
        self._stalled_seconds = stalled_seconds
        self.every_seconds = stalled_seconds / LOOKS_PER_STALL
        self._in_touch_since = self._looked_at = time.monotonic()

    async def look(self) -> None:
        """Look once; raises DatabaseUnavailable."""
        await self._database.check()
        now = time.monotonic()
        if now - self._looked_at > self.every_seconds * MISSED_LOOKS:
            self._in_touch_since = now
        self._looked_at = now
        if now - self._in_touch_since < self._stalled_seconds:
            return
        async with self._database.transaction() as session:
            if await runs.lock_recovery(session, idle_seconds=self._stalled_seconds):
                await self._recover(session)

    async def _recover(self, session: AsyncSession) -> None:
        for job in await held_jobs.list_left(session, silent_seconds=self._stalled_seconds):
            run = await runs.get_run(session, job.run_id) if job.run_id is not None else None
            wait = 0.0 if run is None else seconds_after_loss(await runs.count_lost(session, run) + 1, self._policy)
            logger.warning("job_recovered", run_id=job.run_id, stage=job.stage, again_in_seconds=wait)
            await held_jobs.offer_again(session, job.id, wait_seconds=wait)
        await held_jobs.forget_silent_workers(session, silent_seconds=self._stalled_seconds)
        await workers.forget_gone(session)
        for run in await runs.list_runs_without_live_job(session, silent_seconds=self._stalled_seconds):
            logger.warning("run_requeued", run_id=run.id, stage=run.stage)
            await self._machine.requeue(session, run)
