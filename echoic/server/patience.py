"""The wait of a start for a database that fails over, restarts, or is starting; a refused role or password ends it at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from echoic.db.readiness import Unready, why_unready
from echoic.errors import DatabaseNotReady, DatabaseUnavailable
from echoic.logs import get_logger

LOOK_AGAIN_SECONDS = 0.5
TELL_SECONDS = 10.0
"""Time between two lines of the log about the same wait."""

ResultT = TypeVar("ResultT")

logger = get_logger(__name__)


class Patience:
    """The patience of a start with its database: each step waits for at most ``seconds``."""

    def __init__(self, url: str, *, seconds: float) -> None:
        self._url = url
        self._seconds = seconds

    def until_it_takes_writes(self) -> None:
        """Wait until the database takes writes.

        Raises:
            DatabaseNotReady: it does not in time.
            DatabaseUnavailable: it refuses this role, this password or this database.
        """
        wait = _Wait(self._seconds)
        while (found := why_unready(self._url)) is not None:
            wait.go_on(found)
            time.sleep(LOOK_AGAIN_SECONDS)
        wait.end()

    def through(self, step: Callable[[], ResultT]) -> ResultT:
        """Return what a step returns, which is done again where the database was lost within it.

        Raises DatabaseNotReady and DatabaseUnavailable, as ``until_it_takes_writes`` does, and what the step raises.
        """
        wait = _Wait(self._seconds)
        while True:
            try:
                result = step()
            except DatabaseUnavailable as error:
                wait.go_on(why_unready(self._url), error)
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                wait.end()
                return result

    async def through_async(self, step: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Do the same within an event loop."""
        wait = _Wait(self._seconds)
        while True:
            try:
                result = await step()
            except DatabaseUnavailable as error:
                wait.go_on(await asyncio.to_thread(why_unready, self._url), error)
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            else:
                wait.end()
                return result


class _Wait:
    """One wait: its bound, and what is logged of it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began_at: float | None = None
        self._told_at = 0.0

    def go_on(self, found: Unready | None, error: DatabaseUnavailable | None = None) -> None:
        """Tell of the wait where that is due. Raises DatabaseNotReady at its end."""
        now = time.monotonic()
        why = "it takes writes, but a statement of this start was not answered" if found is None else str(found)
        if self._began_at is None:
            self._began_at, self._told_at = now, now - TELL_SECONDS
        if now - self._began_at >= self._seconds:
            raise DatabaseNotReady(
                f"The database was not ready within {self._seconds:g} s (ECHOIC_DATABASE_START_WAIT_SECONDS): {why}."
            ) from error
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            left = round(self._began_at + self._seconds - now)
            logger.warning("waiting_for_database", why=why, gives_up_in_seconds=left)

    def end(self) -> None:
        """Tell that the wait is over, if there was one."""
        if self._began_at is not None:
            logger.info("database_ready", waited_seconds=round(time.monotonic() - self._began_at, 1))
