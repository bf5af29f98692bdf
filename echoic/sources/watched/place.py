"""A watched place as its users see it: a folder or a bucket prefix. It knows neither database nor items."""

import hashlib
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from echoic.db.sources.watched import WatchedSource
from echoic.records import JsonObject

MAX_PATH_CHARACTERS = 4000
"""Of a path that is too long to be taken so many are shown."""
BATCH = 500
"""Files that are handed on at once."""


class FileGone(Exception):
    """The file is not there any more."""


class FileChanged(Exception):
    """The file is not the one that was seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file as a look finds it."""

    path: str
    """Within the source, with slashes; bytes that are not UTF-8 as the system gives them, as halves of surrogate pairs."""
    fingerprint: str
    size_bytes: int
    modified_at: datetime
    fault: str | None = None
    """Why it can never be taken under this name."""

    def row(self, reason: str) -> JsonObject:
        """Return what is written down of it; ``reason`` is the code of its fault."""
        # Of the name's bytes: two names that are shown alike, as they are not UTF-8, are two files.
        known = hashlib.sha256(os.fsencode(self.path) + f"\n{self.fingerprint}".encode())
        return {
            "identity": known.hexdigest(),
            "path": os.fsencode(self.path).decode("utf-8", "replace")[:MAX_PATH_CHARACTERS],
            "fingerprint": self.fingerprint,
            "size_bytes": self.size_bytes,
            "modified_at": self.modified_at.isoformat(),
            "reason": None if self.fault is None else reason,
            "message": self.fault,
        }


class Place(Protocol):
    """A folder or a bucket prefix.

    Every method but ``files`` raises SourceUnreachable where the place as a whole fails; those on one file raise FileGone,
    FileChanged, WatchedFileUnreadable and SourceNotWritable.
    """

    def files(self, source: WatchedSource) -> AsyncGenerator[list[Found], None]:
        """Yield what may be taken, in batches. Raises SourceUnreachable."""
        ...

    def read(self, path: str, fingerprint: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file, and make sure that they are those of the fingerprint."""
        ...

    async def read_small(self, path: str, *, max_bytes: int) -> bytes:
        """Return the first bytes of a file."""
        ...

    async def fingerprint(self, path: str) -> str | None:
        """Return what a file is known by; None where there is none."""
        ...

    async def put(self, path: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""
        ...

    async def move(self, path: str, fingerprint: str, *, file_id: int) -> None:
        """Move a file into the folder of what is done; one that was moved before is fine."""
        ...

    async def require_readable(self) -> None:
        """Raise SourceUnreachable where the place cannot be looked at."""
        ...

    async def require_writable(self) -> None:
        """Raise SourceNotWritable where nothing can be written there."""
        ...
