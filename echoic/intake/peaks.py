"""Outlines of recordings that were taken in before outlines were made, or whose run has not come so far: made when first asked."""

import asyncio
import uuid
from pathlib import PurePosixPath
from types import TracebackType
from typing import Self

from echoic.db.connect import Database
from echoic.db.items import items, parts, peaks
from echoic.db.items.items import Item
from echoic.engines.media.parent import MediaLimits, Peaks, decode
from echoic.errors import (
    BlobNotFound,
    DatabaseUnavailable,
    DecoderLost,
    DecoderUnavailable,
    EchoicError,
    MediaLimitHit,
    MediaTooLong,
    MediaUnreadable,
    NotAudio,
    NotPublished,
    PeaksNotFound,
    PeaksUnderWay,
)
from echoic.intake.leases import renewed
from echoic.logs import get_logger
from echoic.settings import Settings
from echoic.storage.blobs import BlobReader, Blobs

AT_ONCE = 1
"""Recordings that one process reads for their outlines at a time; each takes one processor while it lasts."""
MAX_WAITING = 16
"""Recordings that are read or wait for it; who asks for another one is asked to come again."""
WAIT_SECONDS = 20.0
"""So long a request waits: a recording of an hour is read in less, and no proxy gives up before."""
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
UNDER_WAY = ("queued", "processing")

logger = get_logger(__name__)


class LatePeaks:
    """Reads outlines, and makes each missing one once, however many ask for it and whatever process they ask."""

    def __init__(self, settings: Settings, *, database: Database, blobs: Blobs) -> None:
        self._limits = MediaLimits.from_settings(settings)
        self._database = database
        self._blobs = blobs
        self._free = asyncio.Semaphore(AT_ONCE)
        self._making: dict[int, asyncio.Task[bytes]] = {}

    async def of_item(self, item: Item, known: bytes | None) -> bytes:
        """Return the pairs of an item; ``known`` are those in the database.

        The recording is read in a confined process. That goes on when the request ends before it does.

        Raises:
            PeaksNotFound: the sound cannot be read.
            NotPublished: the item is being worked on, and has not been read yet.
            PeaksUnderWay: they are being made, or wait for it.
            BlobNotFound, AudioRemoved: the recording itself is missing, or was removed.
            DecoderUnavailable, StorageUnavailable, DatabaseUnavailable: they could not be made now.
        """
        if known is None:
            if item.status in UNDER_WAY:
                raise NotPublished("The recording has not been read yet; its waveform is there as soon as it has.")
            known = await self._made(item)
        if not known:
            raise PeaksNotFound
        return known

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)

    async def _made(self, item: Item) -> bytes:
        task = self._making.get(item.id)
        if task is None:
            if len(self._making) >= MAX_WAITING:
                raise PeaksUnderWay
            task = self._making[item.id] = asyncio.create_task(self._in_turn(item))
            task.add_done_callback(lambda done: self._forget(item.id, done))
        done, _ = await asyncio.wait({task}, timeout=WAIT_SECONDS)
        if not done:
            raise PeaksUnderWay
        return task.result()

    def _forget(self, item_id: int, done: asyncio.Task[bytes]) -> None:
        del self._making[item_id]
        error = None if done.cancelled() else done.exception()
        if isinstance(error, EchoicError):  # those who asked may be gone
            logger.info("peaks_not_made", item_id=item_id, code=error.code)

    async def _in_turn(self, item: Item) -> bytes:
        async with self._free:
            token = uuid.uuid4()
            async with self._database.transaction() as session:
                is_ours = await peaks.take_lease(session, item.id, lease=token, seconds=LEASE_SECONDS)
                known = None if is_ours else await peaks.find_peaks(session, item.id)
            if known is not None:
                return known
            if not is_ours:
                raise PeaksUnderWay
            try:
                async with renewed(lambda: self._renew(item.id, token), every_seconds=RENEW_SECONDS):
                    pairs = await self._read(item)
                await self._keep(item, pairs)
            except BaseException:
                await self._release(item.id, token)
                raise
            return pairs

    async def _read(self, item: Item) -> bytes:
        """Return the pairs; none where the file is such that no sound can be read from it."""
        async with self._database.transaction() as session:
            audio = await items.get_blob(session, item.audio_blob_id)
        if audio is None:
            raise BlobNotFound
        parts.require_audio(audio)
        found = Peaks()

        async def add(pcm: bytes) -> None:
            await asyncio.to_thread(found.add, pcm)

        extension = PurePosixPath(item.original_filename or "").suffix.removeprefix(".")
        try:
            source = BlobReader(self._blobs, audio.key, audio.size_bytes)
            await decode(source, self._limits, on_audio=add, extension=extension)
        except (MediaUnreadable, MediaTooLong, MediaLimitHit, NotAudio):
            return b""
        except DecoderLost as error:
            raise DecoderUnavailable from error
        return found.pairs()

    async def _keep(self, item: Item, pairs: bytes) -> None:
        """Raises AudioRemoved where the recording was removed while it was read."""
        async with self._database.transaction() as session:
            await items.lock_item(session, item.id)
            audio = await items.get_blob(session, item.audio_blob_id)
            if audio is not None:
                parts.require_audio(audio)
            await peaks.keep_peaks(session, item.id, pairs)

    async def _renew(self, item_id: int, token: uuid.UUID) -> bool:
        async with self._database.transaction() as session:
            return await peaks.renew_lease(session, item_id, lease=token, seconds=LEASE_SECONDS)

    async def _release(self, item_id: int, token: uuid.UUID) -> None:
        try:
            async with self._database.transaction() as session:
                await peaks.release_lease(session, item_id, lease=token)
        except DatabaseUnavailable:
            logger.warning("peaks_lease_left_to_end_by_itself", item_id=item_id, seconds=LEASE_SECONDS)
