"""A blob on its way into an object store, and the border at which obstore's errors become ours.

More than one part goes up as a multipart upload, which the store shows only when it is complete. It is given up by
letting the producer fail, which makes obstore tell the store to drop the parts; merely cancelling obstore leaves them.
A killed process leaves them, too: the sweep finds those that are old (unfinished.py).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeAlias

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from echoic.errors import EchoicError, StorageUnavailable
from echoic.logs import get_logger
from echoic.storage.blobs import StoredBlob

PART_BYTES = 8 * 1024 * 1024
"""Stores take at most 10,000 parts, which makes 80 GB."""
MAX_PARTS_IN_FLIGHT = 2
"""Per upload. Another two are being filled or wait, so an upload holds about ``4 * PART_BYTES`` of memory."""

Store: TypeAlias = S3Store | GCSStore | AzureStore

log = get_logger(__name__)


class _GivenUp(Exception):
    """Makes obstore abort the upload."""


class RemoteStagedBlob:
    """See blobs.StagedBlob."""

    def __init__(self, key: str, store: Store) -> None:
        self.key = key
        self.size_bytes = 0
        self._store = store
        self._digest = hashlib.sha256()
        self._buffer = bytearray()
        self._parts: asyncio.Queue[bytearray | None] = asyncio.Queue(maxsize=1)
        self._upload: asyncio.Task[None] | None = None
        self._given_up = False
        self._finished = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._upload is not None and not self._finished:
            # A task of its own: it must come to its end even if this one is cancelled again.
            await asyncio.shield(asyncio.create_task(self._give_up(self._upload)))

    async def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._digest.update(chunk)
        self._buffer += chunk
        if len(self._buffer) >= PART_BYTES:
            part, self._buffer = self._buffer, bytearray()
            if self._upload is None:
                self._upload = asyncio.create_task(self._put_parts())
            await self._hand_over(part, self._upload)

    async def finish(self) -> StoredBlob:
        if self._upload is None:
            self._upload = asyncio.create_task(self._put_whole())
        else:
            await self._hand_over(self._buffer, self._upload)
            await self._hand_over(None, self._upload)
        await asyncio.shield(self._upload)
        self._finished = True
        return StoredBlob(key=self.key, size_bytes=self.size_bytes, sha256=self._digest.hexdigest())

    async def _put_whole(self) -> None:
        with translated():
            await obstore.put_async(self._store, self.key, bytes(self._buffer), use_multipart=False)

    async def _put_parts(self) -> None:
        with translated():
            await obstore.put_async(
                self._store,
                self.key,
                self._produce(),
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=MAX_PARTS_IN_FLIGHT,
            )

    async def _produce(self) -> AsyncIterator[bytearray]:
        while (part := await self._parts.get()) is not None:
            yield part
        if self._given_up:
            raise _GivenUp

    async def _hand_over(self, part: bytearray | None, upload: asyncio.Task[None]) -> None:
        """Pass a part (None: that was all) to the upload, or raise what the upload failed with."""
        handing = asyncio.ensure_future(self._parts.put(part))
        try:
            await asyncio.wait({handing, upload}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            handing.cancel()
        if upload.done():
            upload.result()

    async def _give_up(self, upload: asyncio.Task[None]) -> None:
        self._given_up = True
        while not self._parts.empty():
            self._parts.get_nowait()
        self._parts.put_nowait(None)
        try:
            await upload
        except (_GivenUp, StorageUnavailable):
            return  # nothing became visible
        try:
            with translated():  # it had come too far to be stopped
                await obstore.delete_async(self._store, self.key)
        except StorageUnavailable:
            # Not raised, because it would hide why the blob was given up; the sweep finds blobs that no row names.
            log.warning("staged_blob_not_removed", key=self.key, exc_info=True)


@contextmanager
def translated(*, missing: type[EchoicError] = StorageUnavailable) -> Iterator[None]:
    """Errors of obstore become ours: ``missing`` where an object is not there, StorageUnavailable for all others."""
    try:
        yield
    except FileNotFoundError as error:
        raise missing from error
    except (BaseError, OSError) as error:
        raise StorageUnavailable from error
