"""Connections and transactions; the one border where driver errors become ours."""

import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.types.json import set_json_dumps
from sqlalchemy import event, exc, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from echoic.db.json_text import to_json
from echoic.db.reads import Query, Row, StatementPool
from echoic.db.urls import libpq_url
from echoic.errors import DatabaseUnavailable, EchoicError

POOL_WAIT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5
APPLICATION_NAME = "echoic"
SILENT_CONNECTIONS_END = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Parameters of libpq, in seconds and the last in milliseconds. A machine that is gone says nothing, and the system's own
bounds are hours: whoever waited for its answer would not turn to the standby that was promoted."""
IDLE_TRANSACTION_SECONDS = 20
"""PostgreSQL ends a transaction after so many seconds without a statement: a process halted inside one would keep its locks until
it wakes. By default shorter than the silence after which a worker is taken for dead, so that none falls silent by waiting for
another."""
TRUSTED_SECONDS = 1.0
"""A connection that was used so lately, and of which nothing was heard since, is taken for alive; others are asked first."""


def connecting(*, pooled: bool) -> dict[str, Any]:
    """Return what every connection is opened with.

    Behind a pool each transaction may come to another session of the server, so statements cannot be prepared there.
    """
    given: dict[str, Any] = {
        "application_name": APPLICATION_NAME,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **SILENT_CONNECTIONS_END,
    }
    return {**given, "prepare_threshold": None} if pooled else given


def leads_through_pool(url: str) -> bool:
    """Return whether what answers at the URL is no session of the server but hands out several. Raises DatabaseUnavailable.

    A pool tells its clients a number of the session that is its own invention.
    """
    try:
        with psycopg.connect(libpq_url(url), autocommit=True, **connecting(pooled=True)) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            return row is not None and row[0] != connection.info.backend_pid
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable from error


class Database:
    """Connections to one PostgreSQL database: at most ``pool_size`` in transactions, and as many for single statements.

    ``direct_url`` is given where ``url`` leads through a pool of connections that gives each transaction another session
    of the server. It leads around that pool, for what needs a session: LISTEN, and locks that outlast a transaction.
    """

    def __init__(self, url: str, *, pool_size: int, direct_url: str | None = None) -> None:
        self.url = url
        self.direct_url = direct_url or url
        self.is_pooled = direct_url is not None
        given = connecting(pooled=self.is_pooled)

        async def connect() -> psycopg.AsyncConnection:
            connection = await psycopg.AsyncConnection.connect(libpq_url(url), **given)
            set_json_dumps(to_json, connection)  # SQLAlchemy's json_serializer is for connections that it makes itself
            if not self.is_pooled:  # behind a pool the setting would stay with a session that somebody else gets next
                await _bound_idle_transactions(connection)
            return connection

        # Not by SQLAlchemy's own reading of the URL, which knows no list of hosts.
        self._engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
        )
        _replace_dead_connections(self._engine)
        _leave_standbys(self._engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._statements = StatementPool(libpq_url(url), size=pool_size, wait_seconds=POOL_WAIT_SECONDS, **given)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Yield a session whose work commits when the block ends, or leaves no trace.

        Raises:
            DatabaseUnavailable: the server is away, starting up, or all connections stayed busy.
        """
        with _translated():
            async with self._sessions.begin() as session:
                yield session

    async def read(self, query: Query, **given: Any) -> list[Row]:
        """Return the rows of one statement, without a transaction: it sees what is committed when it starts.

        Raises DatabaseUnavailable.
        """
        return await self._statements.rows(query, given)

    async def holds(self, query: Query) -> bool:
        """Return the only value that a query of one truth value gives, without a transaction. Raises DatabaseUnavailable."""
        ((value,),) = await self._statements.rows(query, {})
        return bool(value)

    async def write(self, query: Query, **given: Any) -> list[Row]:
        """Return the rows of one statement that writes, committed when it ends: a transaction of its own.

        It may be written twice where the connection breaks meanwhile. Raises DatabaseUnavailable.
        """
        return await self._statements.rows(query, given)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Yield a transaction whose statements all see what was committed when the first of them started.

        For several reads that have to fit together. Raises DatabaseUnavailable.
        """
        async with self.transaction() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    async def check(self) -> None:
        """Ask the server for a sign of life; raises DatabaseUnavailable."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self._statements.close()
        await self._engine.dispose()


async def _bound_idle_transactions(connection: psycopg.AsyncConnection) -> None:
    # Not among the parameters of the connection, where poolers refuse what they do not know.
    await connection.set_autocommit(True)
    await connection.execute(f"SET idle_in_transaction_session_timeout TO '{IDLE_TRANSACTION_SECONDS}s'")
    await connection.set_autocommit(False)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise DatabaseUnavailable from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
            raise DatabaseUnavailable from error
        raise
    except exc.StatementError as error:
        if isinstance(error.orig, EchoicError):
            raise error.orig from error  # a column's own type refused the value
        raise


def _leave_standbys(engine: AsyncEngine) -> None:
    """Connect again after a write that the server refused since it takes reads alone: another one is the primary now."""

    @event.listens_for(engine.sync_engine, "handle_error")
    def note(context: Any) -> None:
        if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
            context.is_disconnect = True


def _was_heard(connection: psycopg.AsyncConnection) -> bool:
    """Return whether the server sent something, or ended the connection, while nobody asked: a restart is said so at once."""
    looks = select.poll()
    looks.register(connection.pgconn.socket, select.POLLIN)
    return bool(looks.poll(0))


def _replace_dead_connections(engine: AsyncEngine) -> None:
    """Ask connections that rested in the pool for a sign of life, since a server that was restarted leaves dead ones.

    SQLAlchemy's own ``pool_pre_ping`` asks every time, which takes a fifth of the time of reading an item.
    """
    dialect: Dialect = engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def note_use(_: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: Any, record: Any, _: Any) -> None:
        used_at = record.info.get("used_at")
        is_fresh = used_at is None or time.monotonic() - used_at < TRUSTED_SECONDS
        try:
            if not is_fresh or _was_heard(connection.driver_connection):
                dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise exc.DisconnectionError from error  # the pool takes another or connects again
