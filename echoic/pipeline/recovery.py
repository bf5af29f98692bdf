"""Finds work that nobody works on any more and puts it back into the queue. Every worker does it; one at a time.

Recovery only re-queues: who runs a stage is decided by the claim alone, so recovering something twice is harmless.
"""

import asyncio

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import runs
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable
from echoic.logs import get_logger
from echoic.pipeline.transitions import Transitions
from echoic.settings import Settings

LOOKS_PER_STALL = 3
"""How often recovery looks within the time after which a silent worker is taken for dead."""

logger = get_logger(__name__)


class Recovery:
    """Re-queues the jobs of silent workers, and runs that have no job."""

    def __init__(self, app: App, database: Database, transitions: Transitions, settings: Settings) -> None:
        self._app = app
        self._database = database
        self._transitions = transitions
        self._stalled_seconds = settings.worker_stalled_seconds

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            try:
                await self.look()
            except (DatabaseUnavailable, ConnectorException) as error:
                logger.warning("recovery_postponed", error=str(error))
            await asyncio.sleep(self._stalled_seconds / LOOKS_PER_STALL)

    async def look(self) -> None:
        """Look once."""
        async with self._database.transaction() as session:
            if await runs.lock_recovery(session):
                await self._recover(session)

    async def _recover(self, session: AsyncSession) -> None:
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._stalled_seconds):
            logger.warning("job_recovered", run_id=job.task_kwargs.get("run_id"), stage=job.task_kwargs.get("stage"))
            await manager.retry_job(job)
        for run in await runs.list_runs_without_live_job(session, silent_seconds=self._stalled_seconds):
            logger.warning("run_requeued", run_id=run.id, stage=run.stage)
            await self._transitions.requeue(session, run)
