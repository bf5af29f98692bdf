"""A child process that is started ahead and waits for its recording, so that the recording need not wait for it.

It has seen nothing of any file, opens one as every child does, and confines itself before the first byte.
"""

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

from echoic.engines.media.parent.child_process import start, stop
from echoic.logs import get_logger

REST_SECONDS = 2.0
"""After a child was taken, the time until the next is started: a start takes 0.2 s of a processor, which a short recording
that was just taken in needs for its words."""

logger = get_logger(__name__)


class SpareChild:
    """At most one child that waits. The first is started after the first recording, unless it is asked for before."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ended: set[asyncio.Task[None]] = set()

    async def start_ahead(self) -> None:
        """Start a child now, for the first recording."""
        await self._start(0.0)

    def take(self) -> Process | None:
        """Return the child that waits, if there is one; another is started in a while."""
        process, self._process = self._process, None
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start(REST_SECONDS))
        if process is not None and process.returncode is not None:
            # Somebody has ended it, as the kernel does where memory runs out.
            self._end(process)
            return None
        return process

    async def close(self) -> None:
        """End the child that waits, and start no other."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        if self._process is not None:
            self._end(self._process)
        await asyncio.gather(*self._ended)

    async def _start(self, wait_seconds: float) -> None:
        await asyncio.sleep(wait_seconds)
        try:
            self._process = await start()
        except OSError as error:
            # The next recording starts its own child, and is told of the same.
            logger.warning("spare_decoder_not_started", error=error.strerror)

    def _end(self, process: Process) -> None:
        ending = asyncio.create_task(stop(process))
        self._ended.add(ending)
        ending.add_done_callback(self._ended.discard)


@contextlib.asynccontextmanager
async def spare_child(*, ahead: bool) -> AsyncIterator[SpareChild]:
    """Yield a holder of the child that waits, and end that child with the block; ``ahead`` starts the first one now."""
    spare = SpareChild()
    try:
        if ahead:
            await spare.start_ahead()
        yield spare
    finally:
        await spare.close()
