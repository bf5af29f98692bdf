"""Leases in the database: kept by renewing while the holder lives; that on a resumable upload also gives way.

One request at a time adds to such an upload, and one that fell silent gives way to the next.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from echoic.db.connect import Database
from echoic.db.uploads import uploads
from echoic.db.uploads.uploads import Upload
from echoic.errors import DatabaseUnavailable, UploadLocked
from echoic.intake.body import Receive
from echoic.logs import get_logger

LEASE_SECONDS = 6.0
"""Seconds that others wait for a request whose process was killed."""
RENEW_SECONDS = 2.0
WAIT_SECONDS = LEASE_SECONDS + RENEW_SECONDS
"""Time in which the holder of a lease hears that another wants it, and in which the lease of one that is no more ends."""
LOOK_AGAIN_SECONDS = 0.2
SILENT_SECONDS = 2.0
"""Whoever has received nothing for so long gives way; its client may be the very one that now tries again."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class UploadLease:
    """The right of one request to change an upload; no other request may change the upload meanwhile."""

    upload: Upload
    """As it stood when the lease was taken."""
    token: uuid.UUID


class Interruptible:
    """ASGI's ``receive``; while it waits it can be made to say that the client went away.

    One that ``gives_way_at_once`` says so also while bytes flow.
    """

    def __init__(self, receive: Receive, *, gives_way_at_once: bool = False) -> None:
        self._receive = receive
        self._patience_seconds = 0.0 if gives_way_at_once else SILENT_SECONDS
        self._is_over = False
        self._waiting: asyncio.Timeout | None = None
        self._waiting_since = 0.0

    async def __call__(self) -> MutableMapping[str, Any]:
        if self._is_over:
            return {"type": "http.disconnect"}
        self._waiting_since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await self._receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        finally:
            self._waiting = None

    def give_way(self) -> None:
        """Stop waiting, where the client has been silent for ``SILENT_SECONDS`` or gives way at once."""
        now = asyncio.get_running_loop().time()
        waiting = self._waiting
        self._is_over = not self._patience_seconds
        if waiting is not None and not waiting.expired() and now - self._waiting_since > self._patience_seconds:
            waiting.reschedule(now)


@contextlib.asynccontextmanager
async def leased(
    database: Database, upload_id: str, *, when_wanted: Callable[[], None], waits: bool = False
) -> AsyncIterator[UploadLease]:
    """Hold the lease on an upload and keep renewing it; ``when_wanted`` is called while another request wants it.

    Raises UploadLocked where another request holds it; one that ``waits`` gives the other ``WAIT_SECONDS`` to end.
    """
    token = uuid.uuid4()
    upload = await _taken(database, upload_id, token, wait_seconds=WAIT_SECONDS if waits else 0.0)

    async def renew() -> bool:
        async with database.transaction() as session:
            wanted = await uploads.renew_lease(session, upload_id, lease=token, seconds=LEASE_SECONDS)
        if wanted:
            when_wanted()
        return wanted is not None  # where it is lost, the next write of its holder fails

    try:
        async with renewed(renew, every_seconds=RENEW_SECONDS):
            yield UploadLease(upload, token)
    finally:
        try:
            async with database.transaction() as session:
                await uploads.release_lease(session, upload_id, lease=token)
        except DatabaseUnavailable:
            logger.warning("lease_left_to_end_by_itself", upload_id=upload_id)


async def _taken(database: Database, upload_id: str, token: uuid.UUID, *, wait_seconds: float) -> Upload:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_seconds
    while True:
        async with database.transaction() as session:
            upload = await uploads.take_lease(session, upload_id, lease=token, seconds=LEASE_SECONDS)
        if upload is not None:
            return upload
        if loop.time() >= until:
            raise UploadLocked
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


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
