"""The blob protocol: what every store can do, and the scheme of the keys. It knows no library and no database.

A key is chosen before the first byte is written and says nothing about the content. Bytes are staged first and become
visible under their key only when ``finish`` has made them durable.
"""

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredBlob:
    """Bytes that are durable under their key."""

    key: str
    size_bytes: int
    sha256: str
    """The SHA-256 of the content, in lower-case hexadecimal; computed while the bytes were written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedBlob:
    """A blob as a listing shows it."""

    key: str
    size_bytes: int
    modified_at: datetime
    """When it was stored, by the clock of the store, with time zone."""


class StagedBlob(Protocol):
    """Bytes on their way in: ``async with blobs.stage() as staged``. One task at a time may use it.

    Leaving the block without ``finish`` leaves nothing behind. After ``finish`` the blob stays, however the block is
    left. A caller that does not want the finished blob deletes it by its key. Bytes that a crash leaves are swept.
    """

    @property
    def key(self) -> str:
        """The key the bytes will have."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes taken so far."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; returns when there is room for more. Raises StorageUnavailable."""
        ...

    async def finish(self) -> StoredBlob:
        """Make the bytes durable and visible under their key; may be called once. Raises StorageUnavailable."""
        ...


class Blobs(Protocol):
    """A store. Every method raises StorageUnavailable when the store fails."""

    def stage(self, key: str | None = None) -> StagedBlob:
        """Begin a new blob under a new key; ``key`` is for a copy, which keeps the key of its original."""
        ...

    async def read_range(self, key: str, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from offset ``start``: fewer at the end, none beyond it. Raises BlobNotFound."""
        ...

    def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to, not including, ``end`` in pieces of about 1 MiB. Raises BlobNotFound."""
        ...

    async def stat(self, key: str) -> int:
        """Size in bytes. Raises BlobNotFound."""
        ...

    async def delete(self, key: str) -> None:
        """Remove a blob; one that is not there is fine."""
        ...

    def list_older_than(self, age_seconds: float) -> AsyncIterator[ListedBlob]:
        """Every blob stored at least so long ago, in no order."""
        ...

    async def sweep_staging(self, older_than_seconds: float) -> int:
        """Remove what killed processes left half-written, untouched for so long; returns how many were removed."""
        ...

    async def check(self) -> None:
        """Ask cheaply whether the store answers; raises StorageUnavailable when it does not."""
        ...

    async def presign(self, key: str, seconds: float) -> str | None:
        """Return a URL that serves the blob to anybody for so long; None where the store cannot give one."""
        ...

    async def origin(self) -> str | None:
        """Return scheme, host and port of the URLs that ``presign`` gives; None where it gives none."""
        ...


@dataclass(frozen=True, slots=True)
class BlobReader:
    """One stored blob as a source of byte ranges."""

    blobs: Blobs
    key: str
    size: int
    """Bytes."""

    async def read_range(self, start: int, length: int) -> bytes:
        """See Blobs.read_range."""
        return await self.blobs.read_range(self.key, start, length)


def new_key() -> str:
    """Return a key never used before: random, fanned out over two levels of 256 folders each."""
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name[2:4]}/{name}"


def is_key(text: str) -> bool:
    """Return whether the text has the form of a key; no other text may become part of a path."""
    return _KEY.fullmatch(text) is not None
