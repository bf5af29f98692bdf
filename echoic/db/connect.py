"""Connections and transactions; the one border where driver errors become ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from echoic.errors import DatabaseUnavailable

POOL_WAIT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 5
APPLICATION_NAME = "echoic"


def driver_url(url: str) -> str:
    """A PostgreSQL URL in any customary spelling as SQLAlchemy wants it for psycopg 3."""
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def libpq_url(url: str) -> str:
    """The same URL as libpq and psycopg want it."""
    return driver_url(url).replace("postgresql+psycopg://", "postgresql://", 1)


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        self.url = url
        self._engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_SECONDS,
            # A server that was restarted leaves dead connections in the pool; asking first costs 0.1 ms.
            pool_pre_ping=True,
            connect_args={"application_name": APPLICATION_NAME, "connect_timeout": CONNECT_TIMEOUT_SECONDS},
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work commits when the block ends, or leaves no trace.

        Raises:
            DatabaseUnavailable: the server is away, starting up, or all connections stayed busy.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            raise DatabaseUnavailable from error
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable from error
            raise

    async def check(self) -> None:
        """Ask the server for a sign of life; raises DatabaseUnavailable."""
        async with self.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()
