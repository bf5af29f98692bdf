"""Extents of recordings in bytes, by what the head of a W64, CAF or ASF file says; those of other kinds are in ``pieces``."""

from dataclasses import dataclass

from echoic.engines.media.child.sections import Source

MAX_CAF_CHUNKS = 1000
MAX_ASF_HEADER_BYTES = 65_536
MAX_SIZE = 1 << 62
"""A greater size is none: programs write the most there can be while they do not know it."""
W64_MARK = b"riff\x2e\x91\xcf\x11"
CAF_MARK = b"caff\0\1\0\0"
ASF_MARK = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_FILE_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_PROPERTIES_BYTES = 104


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """The extent of a recording in bytes, as far as its container says."""

    end: int | None
    """None: it does not say; the recording ends with the file, or where another begins."""
    missing_bytes: int = 0
    """How many bytes the container speaks of that are beyond the end of the file."""


def within(source: Source, end: int) -> Extent:
    """Return the extent of a recording that says it ends there."""
    return Extent(end=min(end, source.size), missing_bytes=max(0, end - source.size))


def w64(source: Source, start: int) -> Extent:
    """Sony's Wave64: the size of the whole stands behind the first GUID."""
    size = int.from_bytes(source.read_at(start + 16, 8), "little")
    return within(source, start + size) if 0 < size < MAX_SIZE else Extent(end=source.size)


def caf(source: Source, start: int) -> Extent:
    """Apple's Core Audio Format: chunks with sizes of eight bytes; that of the sound is -1 where it is not known."""
    position = start + 8
    has_sound = False
    for _ in range(MAX_CAF_CHUNKS):
        head = source.read_at(position, 12)
        if len(head) < 12 or not head[:4].isascii() or not head[:4].decode().isprintable():  # noqa: PLR2004 -- name and size
            break
        if head[:8] == CAF_MARK:
            break
        size = int.from_bytes(head[4:12], "big", signed=True)
        if size < 0:
            return Extent(end=source.size)
        end = position + 12 + size
        if end > source.size and has_sound and head[:4] != b"pakt":
            break  # junk, or a tag that breaks off: no sound is missing
        has_sound = has_sound or head[:4] == b"data"
        position = end
    return within(source, position)


def asf(source: Source, start: int) -> Extent:
    """ASF specification, 3.2: the size of the file, which a live recording has not."""
    head = source.read_at(start, MAX_ASF_HEADER_BYTES)
    at = head.find(_ASF_FILE_PROPERTIES)
    properties = head[at : at + _ASF_PROPERTIES_BYTES]
    if at < 0 or len(properties) < _ASF_PROPERTIES_BYTES or properties[88] & 1:
        return Extent(end=source.size)
    size = int.from_bytes(properties[40:48], "little")
    return within(source, start + size) if len(ASF_MARK) < size < MAX_SIZE else Extent(end=source.size)
