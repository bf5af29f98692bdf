"""The jobs of one worker: taken, kept while the worker lives, and given back, through outages of the database.

The queue library's worker ends its heartbeat and its LISTEN unseen at the first error, stops taking jobs at any, and
ends a job by its number, whoever has it by now (Procrastinate 3.10; upstream issue 1597). Its worker runs on this
manager of jobs, whose acts wait for the database and touch what this worker holds, nothing else.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import NotificationCallback
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.runs import held_jobs, workers
from echoic.db.runs.held_jobs import HeldJob
from echoic.db.runs.workers import WorkerCard
from echoic.errors import DatabaseUnavailable
from echoic.logs import get_logger
from echoic.pipeline.stage import StageTable
from echoic.pipeline.turns import TurnTaking

AGAIN_SECONDS = 1.0
"""Pause before the database is asked again after it was away."""

logger = get_logger(__name__)


class JobHolder(TurnTaking):
    """Takes jobs for one worker and remembers which it holds."""

    def __init__(
        self,
        connector: BaseConnector,
        table: StageTable[Any],
        database: Database,
        *,
        card: WorkerCard,
        decoded_max_gb: float,
        stopping: asyncio.Event,
    ) -> None:
        super().__init__(connector, table, decoded_max_gb=decoded_max_gb)
        self._database = database
        self._card = card
        self._started = time.monotonic()
        self._introduced = False
        """Whether the database has what the worker says of itself."""
        self._stopping = stopping
        self._worker_id: int | None = None
        self._known: set[int] = set()
        self._taking = asyncio.Lock()
        self._told = 0
        """How often the database has told of new jobs."""

    async def beat(self) -> None:
        """Say that the worker lives, and offer again what it holds without knowing. Raises DatabaseUnavailable."""
        async with self._taking:  # a job on its way to us is not unknown
            if self._worker_id is None:
                return
            async with self._database.transaction() as session:
                if await held_jobs.beat(session, self._worker_id) or not self._introduced:
                    await self._introduce(session, self._worker_id)
                strays = await held_jobs.offer_strays(session, self._worker_id, known=self._known)
            self._introduced = True
        if strays:
            logger.warning("unknown_jobs_offered_again", jobs=strays)

    async def register_worker(self) -> int:
        """Register the worker; raises ConnectorException."""
        self._worker_id, self._introduced = await super().register_worker(), False
        try:
            async with self._database.transaction() as session:
                await self._introduce(session, self._worker_id)
            self._introduced = True
        except DatabaseUnavailable:
            logger.warning("worker_not_introduced")  # the next heartbeat does it
        return self._worker_id

    async def unregister_worker(self, worker_id: int) -> None:
        """Take the worker off the list; raises ConnectorException."""
        async with self._taking:
            self._worker_id = None
            await super().unregister_worker(worker_id)

    async def _introduce(self, session: AsyncSession, worker_id: int) -> None:
        await workers.note(session, worker_id, self._card, age_seconds=time.monotonic() - self._started)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Leave it to ``beat``, which goes on while the library's worker waits for its last jobs."""

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:  # noqa: ARG002 - the library's signature
        """Leave it to recovery: after an outage every living worker looks silent."""
        return []

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next job; None where there is none, and where the database is away: the library asks again soon."""
        async with self._taking:
            while True:
                told = self._told
                try:
                    job = await super().fetch_job(queues, worker_id)
                except ConnectorException as error:
                    logger.warning("queue_unreachable", error=str(error.__cause__ or error))
                    return None
                # The library forgets what it is told while it asks: a job put in a moment later would wait for the
                # next look.
                if job is not None or told == self._told:
                    break
            if job is not None and job.id is not None:
                self._known.add(job.id)
            return job

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Be told of new jobs until cancelled, over as many connections as it takes."""

        async def count(*, channel: str, notification: Notification) -> None:
            self._told += 1
            await on_notification(channel=channel, notification=notification)

        while True:
            try:
                await super().listen_for_jobs(on_notification=count, queues=queues)
            except ConnectorException as error:
                logger.warning("not_told_of_jobs", error=str(error.__cause__ or error), again_in_seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job that this worker still holds."""
        await self._give_back(
            job, lambda session, held: held_jobs.finish(session, held, status=status.value, delete=delete_job)
        )

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002 - the library's signature
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Offer a job that this worker still holds again, as it is."""
        when = retry_at or datetime.now(UTC)
        await self._give_back(job, lambda session, held: held_jobs.put_back(session, held, retry_at=when))

    async def _give_back(self, job: Job, act: Callable[[AsyncSession, HeldJob], Awaitable[bool]]) -> None:
        held = held_job(job)
        try:
            while True:
                try:
                    async with self._database.transaction() as session:
                        if not await act(session, held):
                            logger.warning("job_overtaken", job=held.id)
                    return
                except DatabaseUnavailable:
                    if self._stopping.is_set():
                        logger.warning("job_left", job=held.id)  # recovery finds it
                        return
                    await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._known.discard(held.id)


def held_job(job: Job) -> HeldJob:
    """Make a ``HeldJob`` of a job of the queue library. Raises ValueError if no worker took the job."""
    if job.id is None or job.worker_id is None:
        raise ValueError("The job was not taken from the queue.")
    return HeldJob(id=job.id, worker_id=job.worker_id, attempts=job.attempts)
