"""Work with the database that holds the processor for long, done in a thread of its own so that others are served.

Rows become objects in the thread that awaits them: those of a recording of nine hours take seconds. In the thread of
the server's event loop nobody else would be answered meanwhile; beside it, the interpreter changes between the two
every few milliseconds.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from echoic.db.connect import Database
from echoic.db.replica import Reads

AT_ONCE = 4
"""Pieces of work that are under way together, each with one connection; others wait their turn."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _Running:
    """The other event loop, its thread, and what work there is handed."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    reads: Reads
    room: asyncio.Semaphore


class Aside:
    """A second event loop with database connections of its own, started when it is first needed."""

    def __init__(self, open_reads: Callable[[int], Reads]) -> None:
        """``open_reads`` opens the database and its replica with so many connections."""
        self._open_reads = open_reads
        self._running: _Running | None = None

    async def run(self, work: Callable[[Database], Awaitable[ResultT]]) -> ResultT:
        """Do the work in the other loop and wait for its result; raises what it raises.

        It must use no part of the process that belongs to the caller's loop, such as its database or the body of a
        request; the context of log lines goes with it.
        """
        running = self._running = self._running or self._start()

        async def admitted() -> ResultT:
            async with running.room:
                return await work(running.reads.primary)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(admitted(), running.loop))

    async def read(self, work: Callable[[Database], Awaitable[ResultT]]) -> ResultT:
        """The same for a work that only reads: by the replica, where there is one that is up to date."""
        running = self._running = self._running or self._start()

        async def reading(_: Database) -> ResultT:
            return await running.reads.run(work)

        return await self.run(reading)

    async def close(self) -> None:
        """End what is still going on, and the loop, and give its connections back."""
        running, self._running = self._running, None
        if running is None:
            return

        async def end() -> None:
            unfinished = asyncio.all_tasks() - {asyncio.current_task()}
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
            await running.reads.close()
            await running.loop.shutdown_default_executor()

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(end(), running.loop))
        running.loop.call_soon_threadsafe(running.loop.stop)
        await asyncio.to_thread(running.thread.join)
        running.loop.close()

    def _start(self) -> _Running:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="aside", daemon=True)
        thread.start()
        return _Running(loop, thread, self._open_reads(AT_ONCE), asyncio.Semaphore(AT_ONCE))
