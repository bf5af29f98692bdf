"""A lease in the database that stays its holder's as long as the holder lives: renewed again and again, in the background."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from echoic.errors import DatabaseUnavailable


@contextlib.asynccontextmanager
async def renewed(renew: Callable[[], Awaitable[bool]], *, every_seconds: float) -> AsyncIterator[None]:
    """Call ``renew`` every so often within the block, until it says that the lease is lost.

    While the database is away the lease may still last: it is tried again. Whatever else ``renew`` raises is raised at
    the end of the block.
    """
    renewing = asyncio.create_task(_renew(renew, every_seconds))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
        if not renewing.cancelled():
            renewing.result()


async def _renew(renew: Callable[[], Awaitable[bool]], every_seconds: float) -> None:
    held = True
    while held:
        await asyncio.sleep(every_seconds)
        with contextlib.suppress(DatabaseUnavailable):
            held = await renew()
