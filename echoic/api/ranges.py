"""Ranges of bytes and conditions on a client's copy in requests for a blob (RFC 9110, sections 13 and 14). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from echoic.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ByteRange:
    """Bytes from ``start`` up to, not including, ``end`` of ``size``."""

    start: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """The value of the header Content-Range, whose last byte is included."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def asked_range(headers: Mapping[str, str], *, size: int, etag: str) -> ByteRange | None:
    """The one range asked for; None where all is to be sent.

    All is sent, as the RFC allows, where the header is malformed or names several ranges, and, as it demands, where
    ``If-Range`` names another version.

    Raises:
        RangeNotSatisfiable: no byte lies in the range.
    """
    found = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(f"The range begins beyond the end; there are {size} bytes.")
    return ByteRange(start=start, end=end, size=size)


def is_unchanged(headers: Mapping[str, str], *, etag: str) -> bool:
    """Return whether ``If-None-Match`` says that the client has this version already."""
    known = headers.get("if-none-match", "")
    return known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}
