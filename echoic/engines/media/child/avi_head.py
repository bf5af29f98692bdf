"""The head of an AVI film, which says how long each of its streams is."""

from collections.abc import Iterator

from echoic.engines.media.child.sections import Section

MAX_CHUNKS = 1000
"""Chunks on one level of the head."""
HEADER_BYTES = 36
"""Of a stream's header, up to its length."""
LARGEST_LENGTH = 0x3FFF_FFFF
"""FFmpeg writes one more where it does not know the length."""
LIST_BYTES = 12


def avi_seconds(section: Section, index: int) -> float | None:
    """Return how long the stream of that number is by its header; None where the header does not say."""
    number = -1
    for name, first, last in _chunks(section, section.start + LIST_BYTES, section.end):
        if name != b"hdrl":
            continue
        for kind, at, end in _chunks(section, first, last):
            number += kind == b"strl"
            if kind == b"strl" and number == index:
                return next((_length(section, a) for each, a, _ in _chunks(section, at, end) if each == b"strh"), None)
        break
    return None


def _length(section: Section, position: int) -> float | None:
    header = section.source.read_at(position, HEADER_BYTES)
    scale, rate, _, length = (int.from_bytes(header[at : at + 4], "little") for at in (20, 24, 28, 32))
    return length * scale / rate if rate and 0 < length <= LARGEST_LENGTH else None


def _chunks(section: Section, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk on one level, that of a list its kind, and where its content begins and ends."""
    for _ in range(MAX_CHUNKS):
        head = section.source.read_at(position, LIST_BYTES)
        if position >= end or len(head) < LIST_BYTES:
            return
        size = int.from_bytes(head[4:8], "little")
        is_list = head[:4] == b"LIST"
        last = min(position + 8 + size, end)
        yield (head[8:12] if is_list else head[:4]), position + (LIST_BYTES if is_list else 8), last
        position += 8 + size + (size & 1)
