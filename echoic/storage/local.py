"""Blobs in a folder of this machine, by plain file calls in worker threads.

    <root>/ab/cd/<name>     the blobs
    <root>/staging/<name>   what is being written

Bytes are written and hashed in a thread while the next ones arrive, and pushed to the disk at intervals, so that
neither the digest nor the final fsync costs much time of its own. One upload holds ``2 * BUFFER_BYTES`` of memory.
"""

import asyncio
import os
import re
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from echoic.errors import BlobNotFound, StorageUnavailable
from echoic.logs import get_logger
from echoic.storage.blobs import ListedBlob, StoredBlob, is_key, new_key
from echoic.storage.file_calls import FileCalls, forget, settled
from echoic.storage.staged_file import FOLDER_MODE, StagedFile, make_folder, remove_abandoned

BUFFER_BYTES = 1024 * 1024
"""Written at once; with less, changing threads takes longer than writing."""
MAX_CHUNKS = 1024
"""Number of chunks after which tiny ones are written as well: each costs memory beyond its bytes."""
FLUSH_BYTES = 32 * 1024 * 1024
"""Pushed to the disk at once while more arrives; otherwise the disk would idle until the final fsync."""
READ_BYTES = 1024 * 1024
STAGING_FOLDER = "staging"

log = get_logger(__name__)

_FAN_OUT_FOLDER = re.compile(r"[0-9a-f]{2}")


class LocalBlobs:
    """A store in the folder ``root``, which must exist; see blobs.Blobs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / STAGING_FOLDER
        self._files = FileCalls()

    @classmethod
    def create(cls, root: Path) -> "LocalBlobs":
        """Make the folder where it is missing, for its owner alone. May raise OSError."""
        root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        return cls(root)

    def stage(self, key: str | None = None) -> "LocalStagedBlob":
        name = new_key()
        key = name if key is None else key
        final = self._path(key)
        file = StagedFile(self._staging / name.rpartition("/")[2], final)
        return LocalStagedBlob(key, file, self._files)

    async def read_range(self, key: str, start: int, length: int) -> bytes:
        path = self._path(key)
        return await self._files.run(lambda: _read(path, start, length), missing=BlobNotFound)

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        reading = _OpenFile(self._path(key))
        try:
            while end is None or start < end:
                length = READ_BYTES if end is None else min(READ_BYTES, end - start)
                chunk = await self._files.run(partial(reading.read, start, length), missing=BlobNotFound)
                if not chunk:
                    return
                start += len(chunk)
                yield chunk
        finally:
            self._files.submit(reading.close)  # not awaited: a generator may be closed where nothing can be awaited

    async def stat(self, key: str) -> int:
        path = self._path(key)
        return await self._files.run(lambda: path.stat().st_size, missing=BlobNotFound)

    async def delete(self, key: str) -> None:
        path = self._path(key)
        await self._files.run(lambda: path.unlink(missing_ok=True))

    async def list_older_than(self, age_seconds: float) -> AsyncIterator[ListedBlob]:
        limit = time.time() - age_seconds
        for folder in await self._files.run(lambda: _fan_out_folders(self._root)):
            for blob in await self._files.run(partial(_blobs_below, folder, limit)):
                yield blob

    async def sweep_staging(self, older_than_seconds: float) -> int:
        limit = time.time() - older_than_seconds
        return await self._files.run(lambda: _sweep(self._staging, limit))

    async def check(self) -> None:
        await self._files.run(lambda: _write_probe(self._staging))

    async def presign(self, key: str, seconds: float) -> str | None:  # noqa: ARG002 - the protocol's signature
        return None

    async def origin(self) -> str | None:
        return None

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise BlobNotFound
        return self._root / key


class LocalStagedBlob:
    """See blobs.StagedBlob."""

    def __init__(self, key: str, file: StagedFile, files: FileCalls) -> None:
        self.key = key
        self.size_bytes = 0
        self._file = file
        self._files = files
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._unflushed_bytes = 0
        self._writing: asyncio.Future[None] | None = None
        self._flushing: asyncio.Future[None] | None = None
        self._finished = False

    async def __aenter__(self) -> Self:
        try:
            await self._files.run(self._file.open)
        except asyncio.CancelledError:
            self._files.submit(self._file.discard)  # the call goes on in its thread, and nobody will leave the block
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        for pending in (self._writing, self._flushing):
            if pending is not None:
                forget(pending)
        try:
            await self._files.run(self._file.discard)
        except StorageUnavailable:
            # Not raised, because it would hide why the blob was given up; the sweep finds what is left.
            log.warning("staged_blob_not_removed", key=self.key, exc_info=True)

    async def write(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._chunks.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= BUFFER_BYTES or len(self._chunks) >= MAX_CHUNKS:
            await self._hand_over()

    async def finish(self) -> StoredBlob:
        await self._hand_over()
        for pending in (self._writing, self._flushing):
            if pending is not None:
                await settled(pending)
        sha256 = await self._files.run(self._file.seal)
        self._finished = True
        return StoredBlob(key=self.key, size_bytes=self.size_bytes, sha256=sha256)

    async def _hand_over(self) -> None:
        """Give what waits to a thread, as soon as the one before is done."""
        if self._writing is not None:
            await settled(self._writing)
        full = b"".join(self._chunks)  # a buffer that grows chunk by chunk takes twice as long
        self._chunks.clear()
        self._waiting_bytes = 0
        self._writing = self._files.start(lambda: self._file.append(full))
        self._unflushed_bytes += len(full)
        if self._unflushed_bytes >= FLUSH_BYTES and (self._flushing is None or self._flushing.done()):
            if self._flushing is not None:
                await settled(self._flushing)
            self._unflushed_bytes = 0
            self._flushing = self._files.start(self._file.flush)


class _OpenFile:
    """A file for reading, opened at the first read and closed only when no read is under way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._closed = False
        self._lock = threading.Lock()

    def read(self, start: int, length: int) -> bytes:
        with self._lock:
            if self._closed:
                return b""  # the reader gave up while this call waited for a thread
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(self._descriptor, length, start)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _read(path: Path, start: int, length: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        return os.pread(file.fileno(), length, start)


def _fan_out_folders(path: Path) -> list[Path]:
    return [folder for folder in path.iterdir() if _FAN_OUT_FOLDER.fullmatch(folder.name)]


def _blobs_below(folder: Path, limit: float) -> list[ListedBlob]:
    """Blobs in the subfolders that were last changed before the time ``limit``."""
    found = []
    for path in (path for subfolder in _fan_out_folders(folder) for path in subfolder.iterdir()):
        key = path.relative_to(folder.parent).as_posix()
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # deleted while we looked
        if is_key(key) and status.st_mtime <= limit:
            modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(ListedBlob(key=key, size_bytes=status.st_size, modified_at=modified_at))
    return found


def _sweep(staging: Path, limit: float) -> int:
    make_folder(staging)
    return sum(remove_abandoned(path, untouched_since=limit) for path in staging.iterdir())


def _write_probe(staging: Path) -> None:
    make_folder(staging)
    descriptor, name = tempfile.mkstemp(prefix="probe-", dir=staging)
    try:
        os.write(descriptor, b"probe")
    finally:
        os.close(descriptor)
        Path(name).unlink()
