"""The statements that are asked most often, by the driver itself and compiled once.

SQLAlchemy's sessions take more of the processor's time for such a statement than everything else together. Most are asked
each on its own, without transaction. Nearly all read.
"""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Select, make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from echoic.errors import DatabaseUnavailable

Row = tuple[Any, ...]

REFUSED_BY_STANDBY = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.FeatureNotSupported)
"""What a standby answers to a write, the second where the table is not logged."""

SERVER_STOPPED = (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown)
"""A server's last words on a connection, which may be read before its end is."""

_DIALECT: Dialect = make_url("postgresql+psycopg://").get_dialect()()


class Query:
    """A statement with rows for an answer, compiled once and then given to the driver with its named parameters.

    No parameter may stand for a list, as that of ``in_`` does: asking such a query raises ValueError. The columns must have
    types that the driver reads as SQLAlchemy does.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | ReturningInsert[*tuple[Any, ...]]) -> None:
        self._statement = statement

    @property
    def text(self) -> bytes:
        """The statement as the driver takes it."""
        return self._compiled[0]

    def filled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters of the text: those given and the constants within the statement."""
        return {**self._compiled[1], **given}

    # Compiled when first asked: each process imports many queries and asks few.
    @cached_property
    def _compiled(self) -> tuple[bytes, Mapping[str, Any]]:
        compiled = self._statement.compile(dialect=_DIALECT)
        text = str(compiled)
        if "[POSTCOMPILE_" in text:
            raise ValueError("A query compiled once cannot have a parameter that is a list.")
        return text.encode(), compiled.params


async def ask(session: AsyncSession, query: Query, **given: Any) -> list[Row]:
    """Return the rows of a query inside a session's transaction. What the session has not yet flushed is not seen.

    Raises DatabaseUnavailable: the server went away.
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"{type(driver)} is no connection of psycopg's")
    try:
        return await (await driver.execute(query.text, query.filled(given))).fetchall()
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.IdleInTransactionSessionTimeout,
    ) as error:
        raise DatabaseUnavailable from error


class StatementPool:
    """Connections on which queries are asked; one is opened when all others are busy, up to ``size``."""

    def __init__(self, url: str, *, size: int, wait_seconds: float, **connecting: Any) -> None:
        self._url = url
        self._wait_seconds = wait_seconds
        self._connecting = connecting
        self._room = asyncio.Semaphore(size)
        self._resting: list[psycopg.AsyncConnection] = []

    async def rows(self, query: Query, given: Mapping[str, Any]) -> list[Row]:
        """Return what the query finds in what was committed when it started.

        Raises DatabaseUnavailable: the server is away, starting up, a standby that was to write, or all connections stayed
        busy.
        """
        parameters = query.filled(given)
        try:
            await self._admitted()
            try:
                return await self._ask(query.text, parameters)
            finally:
                self._room.release()
        except (psycopg.OperationalError, psycopg.InterfaceError, *REFUSED_BY_STANDBY) as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        while self._resting:
            await self._resting.pop().close()

    async def _admitted(self) -> None:
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._room.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable from error

    async def _ask(self, text: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        while True:
            is_new = not self._resting
            connection = await self._connect() if is_new else self._resting.pop()
            try:
                # The text is SQLAlchemy's, never a caller's.
                return await (await connection.execute(text, parameters)).fetchall()
            except psycopg.OperationalError as error:
                # One that died while it rested, as all do when the server is restarted. A read may be repeated.
                if is_new or not (connection.broken or isinstance(error, SERVER_STOPPED)):
                    raise
            except REFUSED_BY_STANDBY:
                await connection.close()  # another one is the primary now
                raise
            finally:
                if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                    self._resting.append(connection)
                else:
                    await connection.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True, **self._connecting)
