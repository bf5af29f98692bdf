"""Connections and transactions; the one border where driver errors become ours."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import event, exc, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from echoic.db.json_text import to_json
from echoic.db.reads import Query, ReadPool, Row
from echoic.errors import DatabaseUnavailable, EchoicError, SettingInvalid

POOL_WAIT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5
APPLICATION_NAME = "echoic"
TRUSTED_SECONDS = 1.0
"""A connection that was used so lately is taken for alive; others are asked first. No server restarts faster."""


def driver_url(url: str) -> str:
    """Return a PostgreSQL URL in any customary spelling as SQLAlchemy wants it for psycopg 3."""
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def libpq_url(url: str) -> str:
    """Return the same URL as libpq and psycopg want it."""
    return driver_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


def checked_url(url: str) -> str:
    """Return the URL of a database from the settings. Raises SettingInvalid for a wrong one, without repeating any of it.

    Where the password holds characters that end it, parts of it would be taken for a host or a port and named in errors.
    """
    if not _is_understood(url):
        raise SettingInvalid(
            "ECHOIC_DATABASE_URL is no URL such as postgresql://user:password@host/name; in the password, characters other than "
            "letters and digits are written as in URLs: %40 for @, %2F for /."
        )
    return url


def _is_understood(url: str) -> bool:
    """Return whether it is a URL of PostgreSQL in which SQLAlchemy and libpq find the same host."""
    try:
        ours, theirs = make_url(driver_url(url)), conninfo_to_dict(libpq_url(url))
    except (ValueError, exc.ArgumentError, psycopg.ProgrammingError):
        return False
    if ours.drivername != "postgresql+psycopg" or "@" in (ours.host or ""):
        return False
    return "host" in ours.query or ours.host == theirs.get("host")


class Database:
    """Connections to one PostgreSQL database: at most ``pool_size`` in transactions, and as many that only read."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        self.url = url
        connecting = {"application_name": APPLICATION_NAME, "connect_timeout": CONNECT_TIMEOUT_SECONDS}
        self._engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args=connecting,
            json_serializer=to_json,
        )
        _replace_dead_connections(self._engine)
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._reads = ReadPool(libpq_url(url), size=pool_size, wait_seconds=POOL_WAIT_SECONDS, **connecting)

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
        return await self._reads.rows(query, given)

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
        await self._reads.close()
        await self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise DatabaseUnavailable from error
    except exc.DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable from error
        raise
    except exc.StatementError as error:
        if isinstance(error.orig, EchoicError):
            raise error.orig from error  # a column's own type refused the value
        raise


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
        if used_at is None or time.monotonic() - used_at < TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise exc.DisconnectionError from error  # the pool takes another or connects again
