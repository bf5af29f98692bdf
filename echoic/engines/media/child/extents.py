"""Extents of recordings in bytes, by what the head of a W64, CAF, ASF or AU file says; those of other kinds are in ``pieces``.

A file that states a length as a whole may state a smaller one for its sound, which then is all that FFmpeg reads. Such a
recording ends where its parts end, so that what is behind them counts as not read.
"""

from dataclasses import dataclass

from echoic.engines.media.child.sections import Source

MAX_CAF_CHUNKS = 1000
MAX_ASF_HEADER_BYTES = 65_536
MAX_PARTS = 50_000
MAX_SIZE = 1 << 62
"""A greater size is none: programs write the most there can be while they do not know it."""
LARGEST_RIFF_SIZE = 0x7FFF_0000
SMALLEST_ROUND_SIZE = 1 << 28
"""Programs that do not know the size when they begin write 0, the most there can be (for many of them 2 GB), or a large
power of two."""
GUID_HEAD_BYTES = 24
W64_HEAD_BYTES = 40
"""The first GUID, the size of the whole, and the GUID of the form."""
W64_MARK = b"riff\x2e\x91\xcf\x11"
CAF_MARK = b"caff\0\1\0\0"
ASF_MARK = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
AU_MARK = b".snd"
GUID_ENDS = (
    b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a",
    b"\x2f\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",
    b"\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
)
"""What follows the first four bytes in the names of most parts: those of W64, and the main ones of ASF."""
SOUND_GUIDS = (b"data" + GUID_ENDS[0], b"\x36\x26\xb2\x75" + GUID_ENDS[2])
_ASF_FILE_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_PROPERTIES_BYTES = 104
ASF_TICKS = 10_000_000
"""A second has so many."""


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
    if not 0 < size < MAX_SIZE:
        return Extent(end=source.size)
    whole = within(source, start + size)
    return whole if whole.missing_bytes else Extent(end=_after_parts(source, start + W64_HEAD_BYTES, start + size, 8))


def _after_parts(source: Source, position: int, end: int, alignment: int) -> int:
    """Return where parts end that begin with a GUID and their size, both in it; ``end``, where they go on up to there."""
    sound_end = 0
    for _ in range(MAX_PARTS):
        name, size = _part(source, position)
        following = position + size + -size % alignment
        is_part = GUID_HEAD_BYTES <= size <= end - position
        if is_part and name[4:] not in GUID_ENDS and following < end:
            # Sound looks like a part here and there, but not twice in a row.
            is_part = GUID_HEAD_BYTES <= _part(source, following)[1] <= end - following
        if not is_part:
            # Where no sound was found, nothing is known of the parts.
            return min(sound_end, end) if sound_end and end - position > alignment else end
        if sound_end or name in SOUND_GUIDS:
            sound_end = following
        position = following
    return end


def _part(source: Source, position: int) -> tuple[bytes, int]:
    head = source.read_at(position, GUID_HEAD_BYTES)
    return head[:16], int.from_bytes(head[16:], "little")


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
    properties = _asf_properties(source, start)
    size = int.from_bytes(properties[40:48], "little")
    if not len(ASF_MARK) < size < MAX_SIZE:
        return Extent(end=source.size)
    whole = within(source, start + size)
    return whole if whole.missing_bytes else Extent(end=_after_parts(source, start, start + size, 1))


def asf_seconds(source: Source, start: int) -> float | None:
    """Return the length of an ASF file by its head, less the time that a player collects packets before it begins."""
    properties = _asf_properties(source, start)
    ticks, preroll_ms = (int.from_bytes(properties[at : at + 8], "little") for at in (64, 80))
    seconds = ticks / ASF_TICKS - preroll_ms / 1000
    return seconds if seconds > 0 and ticks < MAX_SIZE else None


def _asf_properties(source: Source, start: int) -> bytes:
    """Return the File Properties Object; nothing of a live recording, which does not know them."""
    head = source.read_at(start, MAX_ASF_HEADER_BYTES)
    at = head.find(_ASF_FILE_PROPERTIES)
    properties = head[at : at + _ASF_PROPERTIES_BYTES]
    return b"" if at < 0 or len(properties) < _ASF_PROPERTIES_BYTES or properties[88] & 1 else properties


def au(source: Source, start: int) -> Extent:
    """Sun's AU: sizes of head and sound, in bytes."""
    head = source.read_at(start, 12)
    head_bytes, size = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    return Extent(end=source.size) if is_unknown(size) else within(source, start + head_bytes + size)


def aiff(source: Source, start: int) -> Extent:
    """EA IFF 85: chunks within a form, which says how long it is."""
    size = int.from_bytes(source.read_at(start + 4, 4), "big")
    if is_unknown(size):
        return Extent(end=source.size)
    whole = within(source, start + 8 + size)
    end = whole.end or 0
    position, has_sound = start + 12, False
    for _ in range(MAX_PARTS):
        head = source.read_at(position, min(8, end - position)) if position < end else b""
        size = int.from_bytes(head[4:], "big")
        if whole.missing_bytes or len(head) < 8 or (head[:4] == b"SSND" and is_unknown(size)):  # noqa: PLR2004 -- name and size
            break
        if not is_name(head[:4]) or position + 8 + size > end:
            return Extent(end=position) if has_sound else whole
        has_sound = has_sound or head[:4] == b"SSND"
        position += 8 + size
        # Some writers leave the byte out that makes an odd size even.
        position += size & 1 if source.read_at(position, 1) == b"\0" else 0
    return whole


def is_unknown(size: int) -> bool:
    """Return whether a size of four bytes is one that is written where none is known."""
    is_round = size >= SMALLEST_ROUND_SIZE and size & (size - 1) == 0
    return size == 0 or size >= LARGEST_RIFF_SIZE or is_round


def is_name(name: bytes) -> bool:
    """Return whether bytes may be the name of a chunk or box: ASCII, and the sign (c) of QuickTime."""
    return all(0x20 <= byte <= 0x7E or byte == 0xA9 for byte in name)  # noqa: PLR2004
