"""Codes by which containers name the coding of their sound and its encryption: FFmpeg would decode that to noise."""

from collections.abc import Iterator

from echoic.engines.media.child.sections import Source

MAX_BOXES = 10_000
HEAD_BYTES = 65_536
FORMAT_BYTES = 4096
ENTRIES = {
    b"enca": "Common Encryption",
    b"encv": "Common Encryption",
    b"drms": "FairPlay",
    b"p608": "FairPlay",
    b"aavd": "Audible",
}
"""Sample entries of encrypted tracks (ISO 14496-12, 8.12; the others are the stores' own)."""
_ASF_HEADER = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_ENCRYPTION = (
    b"\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e",
    b"\x14\xe6\x8a\x29\x22\x26\x17\x4c\xb9\x35\xda\xe0\x7e\xe9\x28\x9c",
    b"\xb6\x9b\x07\x7a\xa4\xda\x12\x4e\xa5\xca\x91\xd3\x8d\xc1\x1a\x8d",
)
"""The Content Encryption Objects of the ASF specification, 3.14 to 3.16."""
_MATROSKA_ENCRYPTION = b"\x50\x33\x81\x01"
"""RFC 9559, 5.1.4.1.31.5: ContentEncodingType, of one byte, is encryption."""


def sample_entries(source: Source, start: int, end: int) -> list[bytes]:
    """Return what each track of an MP4 file is coded as, in order; empty where the track does not say."""
    return [
        _first_entry(source, *_down(source, track, [b"mdia", b"minf", b"stbl", b"stsd"]))
        for moov in _boxes(source, start, end, b"moov")
        for track in _boxes(source, *moov, b"trak")
    ]


def wav_format(source: Source, start: int) -> list[bytes]:
    """Return the number by which a WAV file names its codec, for people; empty where it has none."""
    head = source.read_at(start, FORMAT_BYTES)
    at = head.find(b"fmt ")
    return [b"WAV format 0x" + head[at + 9 : at + 7 : -1].hex().encode()] if 0 < at <= len(head) - 10 else []


def has_index(source: Source, start: int, end: int) -> bool:
    """Return whether an MP4 file has its index, without which nothing of it can be read."""
    return any(True for _ in _boxes(source, start, end, b"moov"))


def scheme(source: Source, start: int) -> str | None:
    """Return how the file is encrypted as a whole, where it is no MP4; None where it is not."""
    head = source.read_at(start, HEAD_BYTES)
    if head.startswith(_ASF_HEADER) and any(mark in head for mark in _ASF_ENCRYPTION):
        return "Windows Media DRM"
    if head.startswith(b"\x1a\x45\xdf\xa3") and _MATROSKA_ENCRYPTION in head:
        return "Matroska encryption"
    return None


def _down(source: Source, box: tuple[int, int], path: list[bytes]) -> tuple[int, int]:
    for name in path:
        box = next(_boxes(source, *box, name), (0, 0))
    return box


def _first_entry(source: Source, start: int, end: int) -> bytes:
    # Version, flags and a count stand before the first entry.
    return source.read_at(start + 12, 4) if start + 16 <= end else b""


def _boxes(source: Source, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the contents of the boxes of this name lie."""
    position = start
    for _ in range(MAX_BOXES):
        head = source.read_at(position, 16)
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        if position + skip > end or (size and size < skip):
            return
        box_end = min(position + size, end) if size else end
        if head[4:8] == name:
            yield position + skip, box_end
        position = box_end
        if position >= end:
            return
