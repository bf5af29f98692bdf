"""The head of a Matroska or WebM file, which says how long the recording is and at which time its clock begins.

FFmpeg tells neither from what it estimates by the packets that it happens to find.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from echoic.engines.media.child.sections import Section

MAX_ELEMENTS = 1000
"""Elements on one level that are looked at; the first cluster comes after a dozen."""
HEAD_BYTES = 12
MAX_SECONDS = 1e9
EBML_HEADER, SEGMENT, INFO, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1F43B675
TIMESTAMP_SCALE, DURATION, TIMESTAMP = 0x2AD7B1, 0x4489, 0xE7
DEFAULT_SCALE = 1_000_000
"""Nanoseconds of a tick (RFC 9559, 5.1.2.9)."""
FLOATS = {4: ">f", 8: ">d"}


@dataclass(frozen=True, kw_only=True, slots=True)
class MatroskaHead:
    """The times that the head says, in seconds; None where it does not."""

    duration_seconds: float | None = None
    start_seconds: float | None = None
    """The time of the first cluster, which is that of its first packet."""


def matroska_head(section: Section) -> MatroskaHead:
    """Return the times that the head of a recording says."""
    scale, duration, start = DEFAULT_SCALE, None, None
    for segment, at, end in _elements(section, section.start, section.end):
        if segment != SEGMENT:
            continue
        for name, first, last in _elements(section, at, end):
            if name == INFO:
                inner = {
                    each: section.source.read_at(a, min(b - a, 8)) for each, a, b in _elements(section, first, last)
                }
                scale = int.from_bytes(inner.get(TIMESTAMP_SCALE, b""), "big") or DEFAULT_SCALE
                duration = _float(inner.get(DURATION, b""))
            elif name == CLUSTER:
                start = next(
                    (
                        int.from_bytes(section.source.read_at(a, min(b - a, 8)), "big")
                        for each, a, b in _elements(section, first, last)
                        if each == TIMESTAMP
                    ),
                    None,
                )
                break
        break
    return MatroskaHead(duration_seconds=_seconds(duration, scale), start_seconds=_seconds(start, scale))


def _elements(section: Section, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the name of each element on one level (RFC 8794, 6.2), and where its content begins and ends."""
    for _ in range(MAX_ELEMENTS):
        head = section.source.read_at(position, min(HEAD_BYTES, max(0, end - position)))
        width = _width(head)
        size, size_width = element_size(head[width:])
        if not width or not size_width or len(head) < width + size_width:
            return
        first = position + width + size_width
        last = end if size is None else min(first + size, end)
        yield int.from_bytes(head[:width], "big"), first, last
        position = last


def element_size(head: bytes) -> tuple[int | None, int]:
    """Return the size that stands there and how many bytes it takes: 0 where none stands (RFC 8794, 4).

    The size is None where a live recording does not know how long it will be, which is written as ones only.
    """
    width = _width(head)
    largest = (1 << 7 * width) - 1
    size = int.from_bytes(head[:width], "big") & largest
    return (None if size == largest else size), width


def _width(head: bytes) -> int:
    return 9 - head[0].bit_length() if head and head[0] else 0


def _float(content: bytes) -> float | None:
    form = FLOATS.get(len(content))
    return None if form is None else float(struct.unpack(form, content)[0])


def _seconds(ticks: float | None, scale: int) -> float | None:
    if ticks is None or not math.isfinite(ticks):
        return None
    seconds = ticks * scale / 1e9
    return seconds if 0 <= seconds < MAX_SECONDS else None
