"""The durable job queue: one job a stage, put in on the caller's own connection and so in the caller's transaction."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import APPLICATION_NAME, Database, connecting
from echoic.db.json_text import to_json
from echoic.db.runs.runs import DEFAULT_PRIORITY, PipelineRun
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable
from echoic.pipeline.stage import Stage

TASK_NAME = "echoic.stage"
CHORE_QUEUE = "cpu"
POOL_SIZE = 4
WAIT_SECONDS = 5.0
"""For a connection. The library's own half minute would keep a worker that is told to stop after its database is gone:
it takes its name off the list of workers last."""


def make_app(database: Database) -> App:
    """Return the queue library's application on the given database, by connections of its own; opening it is up to workers."""
    given = {**connecting(pooled=database.is_pooled), "application_name": f"{APPLICATION_NAME}-queue"}
    connector = _Connector(
        conninfo=libpq_url(database.url),
        min_size=1,
        max_size=POOL_SIZE,
        timeout=WAIT_SECONDS,
        kwargs=given,
        json_dumps=to_json,
    )
    connector.listens_at = libpq_url(database.direct_url)
    return App(connector=connector)


class _Connector(PsycopgConnector):
    """The library's connector, which hears of jobs by a connection that is the worker's own to the server."""

    listens_at = ""

    @asynccontextmanager
    async def _get_standalone_connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        given = {**connecting(pooled=False), "application_name": f"{APPLICATION_NAME}-queue"}
        async with await psycopg.AsyncConnection.connect(self.listens_at, autocommit=True, **given) as connection:
            yield connection


class JobQueue:
    """Puts stages of runs into the queue."""

    def __init__(self, database: Database) -> None:
        self._app = make_app(database)

    async def put(self, session: AsyncSession, run: PipelineRun, stage: Stage[Any]) -> None:
        """Let a worker do this stage once the caller's transaction commits; never, if it does not.

        Raises:
            DatabaseUnavailable: the connection broke.
        """
        connection = await _driver_connection(session)
        run.job_id = await self._deferred(
            self._app.configure_task(
                TASK_NAME, queue=stage.queue, priority=run.priority, connection=connection
            ).defer_async(run_id=run.id, stage=stage.name)
        )
        await session.flush()

    async def put_chore(self, session: AsyncSession, name: str, *, lock: str, **arguments: Any) -> None:
        """Let a worker do a chore, work that belongs to no run, once the caller's transaction commits.

        Of chores with the same ``lock`` one is done at a time.

        Raises:
            DatabaseUnavailable: the connection broke.
        """
        connection = await _driver_connection(session)
        await self._deferred(
            self._app.configure_task(
                name, queue=CHORE_QUEUE, priority=DEFAULT_PRIORITY, lock=lock, connection=connection
            ).defer_async(**arguments)
        )

    @staticmethod
    async def _deferred(defer: Awaitable[int]) -> int:
        try:
            return await defer
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.OperationalError):
                raise DatabaseUnavailable from error
            raise


async def _driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"The queue needs a psycopg connection, not {type(driver).__name__}")
    return driver
