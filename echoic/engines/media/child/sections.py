"""A stretch of the source as a file that PyAV can read."""

import os
from typing import Protocol

from echoic.engines.media import wire
from echoic.engines.media.child.signatures import LOOKAHEAD_BYTES, find_beginning


class Source(Protocol):
    """The bytes of the one file."""

    size: int

    def read_at(self, offset: int, count: int) -> bytes:
        """Return the bytes from ``offset``, fewer only at the end."""
        ...


class MemorySource:
    """A ``Source`` whose bytes are all in memory."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    def read_at(self, offset: int, count: int) -> bytes:
        return self._content[offset : offset + count]


class Section:
    """A seekable, read-only file: the bytes of the source from ``start`` to ``end``."""

    name = "upload"

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end
        self._position = 0

    def read(self, count: int) -> bytes:
        """Read at most ``count`` bytes, possibly fewer; none at the end. PyAV copies whatever comes, so never more."""
        first = self.start + self._position
        part = self.source.read_at(first, min(count, wire.READ_BYTES, self.end - first)) if first < self.end else b""
        self._position += len(part)
        return part

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.end - self.start}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def seekable(self) -> bool:
        return True

    def drain(self) -> None:
        """Make sure that ``end`` is right; here it always is."""


class Stretch(Section):
    """A section that is read from its beginning on, and ends where another recording begins.

    ``body`` is where the search for one begins; ``end`` is right once it was read to its end, see ``drain``.
    """

    def __init__(self, source: Source, start: int, end: int, *, body: int) -> None:
        super().__init__(source, start, end)
        self._body = body

    def seekable(self) -> bool:
        return False

    def read(self, count: int) -> bytes:
        first = self.start + self._position
        part = super().read(count)
        if first + len(part) > self._body:
            window = part + self.source.read_at(first + len(part), LOOKAHEAD_BYTES)
            found = find_beginning(window, max(0, self._body - first), len(part))
            if found is not None:
                self.end = first + found
                self._position -= len(part) - found
                part = part[:found]
        return part

    def drain(self) -> None:
        """Read what the container's reader left unread, to know where the stretch ends."""
        while self.read(wire.READ_BYTES):
            pass
