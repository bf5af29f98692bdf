"""Borders between recordings that are joined in one file: recorders and scripts join them by writing on.

A piece is decoded as if it were alone. Containers that say how long they are are followed by their sizes; in the others
the beginning of another recording is looked for while they are read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from echoic.engines.media.child import extents
from echoic.engines.media.child.extents import Extent, is_name, is_unknown, within
from echoic.engines.media.child.matroska import element_size
from echoic.engines.media.child.sections import Section, Source, Stretch
from echoic.engines.media.child.signatures import LOOKAHEAD_BYTES, begins, find_beginning, foreign_kind, is_raw_sound

HEAD_BYTES = 4096
MAX_JUNK_BYTES = 65_536
"""Before the first recording of a file; longer heads than this are not what a download or a recorder leaves."""
SEARCH_BYTES = 262_144
MAX_CHUNKS = 50_000
"""Chunks or boxes of one container that are looked at; a film in fragments has two a second."""
SOUND_BOXES = (b"mdat", b"moov", b"moof")
"""Boxes of MP4 without which sound is missing."""
MIN_JUNK_BYTES = 65_536
MIN_JUNK_SHARE = 0.02
"""More than both together is no tag or padding between packets."""
ID3V2_HEADER_BYTES = 10
ID3V1_BYTES = 128
APE_FOOTER_BYTES = 32
LYRICS_END_BYTES = 15
"""Behind the text of a song in MP3: its length in six digits, and the mark."""
OGG_MIN_HEAD_BYTES = 27
OGG_HEAD_BYTES = OGG_MIN_HEAD_BYTES + 255
MAX_PAGES_BYTES = 2 * (OGG_HEAD_BYTES + 255 * 255)
"""Two pages of the greatest size: one begins within so many bytes."""
MIN_UNREAD_BYTES = 4096
"""Less than this between recordings, or behind them, is not worth a word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePiece:
    """One recording in the file."""

    start: int
    extent: Extent

    def open(self, source: Source, *, as_stream: bool) -> Section:
        """The bytes of the piece; ``as_stream`` for containers that are read in order, whose end is to be found."""
        if self.extent.end is not None:
            return Section(source, self.start, self.extent.end)
        if as_stream:
            return Stretch(source, self.start, source.size, body=body_of(source, self.start))
        return Section(source, self.start, source.size)

    def junk_bytes(self, section: Section, packet_bytes: int) -> int:
        """Return how many bytes of a piece that consists of packets alone were in none of them."""
        span = sound_end(section.source, section.end) - body_of(section.source, self.start)
        junk = span - packet_bytes
        return junk if junk > MIN_JUNK_BYTES + MIN_JUNK_SHARE * span else 0


def piece_at(source: Source, start: int) -> FilePiece:
    """Return the piece that begins there."""
    head = source.read_at(start, LOOKAHEAD_BYTES)
    extent = Extent(end=None)
    for matches, measure in _MEASURES:
        if matches(head):
            extent = measure(source, start)
            break
    return FilePiece(start=start, extent=extent)


def first_after_junk(source: Source) -> int | None:
    """Return where a recording begins behind a text or other junk at the beginning of the file."""
    if foreign_kind(source.read_at(0, HEAD_BYTES), texts=False) is not None:
        return None
    return find_beginning(source.read_at(0, MAX_JUNK_BYTES + LOOKAHEAD_BYTES), 1, MAX_JUNK_BYTES)


def next_beginning(source: Source, position: int) -> int | None:
    """Return where the next recording begins at or after the end of one; tags and junk between them are passed over."""
    behind_tags = after_tags(source, position)
    for start in (position, behind_tags):
        head = source.read_at(start, LOOKAHEAD_BYTES)
        if begins(head):
            return start
    if is_raw_sound(source.read_at(behind_tags, LOOKAHEAD_BYTES)):
        return position
    at = behind_tags
    while at < source.size:
        found = find_beginning(source.read_at(at, SEARCH_BYTES + LOOKAHEAD_BYTES), 0, SEARCH_BYTES)
        if found is not None:
            return at + found
        at += SEARCH_BYTES
    return None


def unread_bytes(source: Source, start: int, end: int) -> int:
    """Return how many of the bytes between two pieces may have been sound: tags and zeros are not."""
    start = min(after_tags(source, start), end)
    end = max(start, sound_end(source, end))
    at = start
    while at < end:
        if any(source.read_at(at, min(SEARCH_BYTES, end - at))):
            return end - start
        at += SEARCH_BYTES
    return 0


def after_tags(source: Source, position: int) -> int:
    """Return where what is there begins behind tags of the kinds that are put before and after sound."""
    for _ in range(MAX_CHUNKS):
        head = source.read_at(position, ID3V2_HEADER_BYTES)
        if head[:3] == b"ID3" and len(head) == ID3V2_HEADER_BYTES:
            position += ID3V2_HEADER_BYTES + _synchsafe(head[6:10])
        elif head[:8] == b"APETAGEX":
            position += APE_FOOTER_BYTES + int.from_bytes(source.read_at(position + 12, 4), "little")
        elif head[:3] == b"TAG" and begins(source.read_at(position + ID3V1_BYTES, LOOKAHEAD_BYTES)):
            position += ID3V1_BYTES
        elif head[:3] == b"TAG" and position + ID3V1_BYTES >= source.size:
            return source.size
        else:
            break
    return position


def without_tags(content: bytes) -> bytes:
    """Return what is left of bytes that stand between packets of sound."""
    at = 0
    while at < len(content):
        if content.startswith(b"ID3", at):
            at += ID3V2_HEADER_BYTES + _synchsafe(content[at + 6 : at + 10])
        elif content.startswith(b"TAG", at):
            at += ID3V1_BYTES
        elif content.startswith(b"APETAGEX", at):
            at += APE_FOOTER_BYTES + int.from_bytes(content[at + 12 : at + 16], "little")
        else:
            break
    return content[at:]


def sound_end(source: Source, end: int) -> int:
    """Return where what ends there ends without the tags and zeros behind it."""
    for _ in range(MAX_CHUNKS):
        tail = source.read_at(max(0, end - ID3V1_BYTES), min(ID3V1_BYTES, end))
        if tail[-APE_FOOTER_BYTES:].startswith(b"APETAGEX"):
            # It may hold pictures.
            end -= int.from_bytes(tail[-APE_FOOTER_BYTES:][12:16], "little")
        elif tail.startswith(b"TAG"):
            end -= ID3V1_BYTES
        elif tail.endswith(b"LYRICS200") and tail[-LYRICS_END_BYTES:][:6].isdigit():
            end -= int(tail[-LYRICS_END_BYTES:][:6]) + LYRICS_END_BYTES
        elif tail and not any(tail):
            end = _before_zeros(source, end)
        else:
            break
    return max(end, 0)


def _before_zeros(source: Source, end: int) -> int:
    while end > 0:
        first = max(0, end - SEARCH_BYTES)
        kept = source.read_at(first, end - first).rstrip(b"\0")
        if kept:
            return first + len(kept)
        end = first
    return end


def _synchsafe(size: bytes) -> int:
    """Four bytes of seven bits, as in ID3v2."""
    value = 0
    for byte in size:
        value = value << 7 | byte & 0x7F
    return value


def body_of(source: Source, start: int) -> int:
    """Return where the sound begins: behind parts that may hold files (pictures), and behind all first pages of an Ogg."""
    position = after_tags(source, start)
    head = source.read_at(position, 4)
    if head == b"fLaC":
        position += 4
        for _ in range(MAX_CHUNKS):
            block = source.read_at(position, 4)
            position += 4 + int.from_bytes(block[1:], "big")
            if len(block) < 4 or block[0] & 0x80:  # noqa: PLR2004 -- RFC 9639, 8.1: the last block has its highest bit set
                break
        return min(position, source.size)
    if head == b"OggS":
        return max((end for _, end in _first_pages(source, position)), default=position)
    return position + 1


def _first_pages(source: Source, position: int) -> Iterator[tuple[bytes, int]]:
    """RFC 3533, 6: the first pages of all streams of a link come first, and say so; their streams and ends."""
    for _ in range(MAX_CHUNKS):
        head = source.read_at(position, OGG_HEAD_BYTES)
        if len(head) < OGG_MIN_HEAD_BYTES or head[:4] != b"OggS" or not head[5] & 2:
            break
        position += OGG_MIN_HEAD_BYTES + head[26] + sum(head[27 : 27 + head[26]])
        yield head[14:18], position


def bytes_behind_pages(section: Section, near_bytes: int = 0) -> int:
    """Return how many bytes stand behind the last page of Ogg that belongs to a stream whose beginning is there.

    Pages of a stream that lost its beginning cannot be decoded. The last page is looked for around so many bytes from
    the beginning.
    """
    source = section.source
    streams = {stream for stream, _ in _first_pages(source, after_tags(source, section.start))}
    position = max(section.start, section.start + near_bytes - MAX_PAGES_BYTES)
    last = position
    while position < section.end:
        window = source.read_at(position, min(SEARCH_BYTES, section.end - position))
        at = 0
        while (at := window.find(b"OggS\0", at)) >= 0:
            head = source.read_at(position + at, OGG_HEAD_BYTES)
            if len(head) < OGG_MIN_HEAD_BYTES:
                break
            if head[5] & 2:
                streams.add(head[14:18])
            at += OGG_MIN_HEAD_BYTES + head[26] + sum(head[27 : 27 + head[26]])
            if head[14:18] in streams:
                last = position + at
        position = max(position + len(window) - len(b"OggS"), last)
        if len(window) < SEARCH_BYTES:
            break
    count = unread_bytes(source, last, section.end) if last < section.end else 0
    return count if count >= MIN_UNREAD_BYTES else 0


def _riff(source: Source, start: int) -> Extent:
    """Return a WAV file by its chunks: RIFF, and RF64 or BW64 by EBU Tech 3306.

    It ends before a second chunk of sound, which FFmpeg would take in place of the first: so one is heard and the other named.
    """
    position = start + 12
    large: int | None = None
    has_sound, is_worth_a_word = False, False
    for _ in range(MAX_CHUNKS):
        head = source.read_at(position, LOOKAHEAD_BYTES)
        if not _is_chunk(head) or (has_sound and begins(head)) or (is_worth_a_word and head[:4] == b"data"):
            break
        name, size = head[:4], int.from_bytes(head[4:8], "little")
        if name == b"ds64":
            large = int.from_bytes(head[16:24], "little")
        if name == b"data":
            if large is not None and size == 0xFFFF_FFFF:  # noqa: PLR2004 -- "see ds64"
                size = large
            elif is_unknown(size):
                return Extent(end=None)
        end = position + 8 + size
        if end > source.size and has_sound:
            break  # junk, or a tag that breaks off: no sound is missing
        has_sound = has_sound or name == b"data"
        is_worth_a_word = is_worth_a_word or (name == b"data" and size >= MIN_UNREAD_BYTES)
        if end > source.size:
            return Extent(end=source.size, missing_bytes=end - source.size)
        # Some writers leave the byte out that makes an odd size even.
        position = end + (size & 1 if source.read_at(end, 1) == b"\0" else 0)
    return Extent(end=min(position, source.size))


def _avi(source: Source, start: int) -> Extent:
    """Return a film: one RIFF after the other, the later ones of the form AVIX."""
    position = start
    for _ in range(MAX_CHUNKS):
        head = source.read_at(position, 12)
        if head[:4] != b"RIFF" or (position > start and head[8:12] != b"AVIX"):
            break
        size = int.from_bytes(head[4:8], "little")
        if is_unknown(size):
            return Extent(end=source.size)
        position += 8 + size + (size & 1)
    return within(source, position)


def _mp4(source: Source, start: int) -> Extent:
    """ISO 14496-12, 4.2: boxes, one after the other; another ``ftyp`` is another file."""
    position = start
    for _ in range(MAX_CHUNKS):
        head = source.read_at(position, 16)
        if len(head) < 8 or not is_name(head[4:8]) or (position > start and head[4:8] == b"ftyp"):  # noqa: PLR2004
            break
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size == 0:
            return Extent(end=source.size)
        if size < 8:  # noqa: PLR2004 -- size and name
            break
        if position > start and position + size > source.size and head[4:8] not in SOUND_BOXES:
            break  # junk, or a tag that breaks off: no sound is missing
        position += size
    return within(source, position)


def _matroska(source: Source, start: int) -> Extent:
    """RFC 8794 and RFC 9559: a header and a segment, each with its size; a live recording's is not known."""
    position = start
    for _ in range(2):
        head = source.read_at(position + 4, 8)
        size, width = element_size(head)
        if size is None:
            return Extent(end=None)
        position += 4 + width + size
    return within(source, position)


def _is_chunk(head: bytes) -> bool:
    return len(head) >= 8 and head[:4] not in (b"RIFF", b"RF64", b"BW64", b"FORM") and is_name(head[:4])  # noqa: PLR2004


_MEASURES: tuple[tuple[Callable[[bytes], bool], Callable[[Source, int], Extent]], ...] = (
    (lambda head: head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE", _riff),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _avi),
    (lambda head: head[:4] == b"FORM", extents.aiff),
    (lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"), _mp4),
    (lambda head: head[:4] == b"\x1a\x45\xdf\xa3", _matroska),
    (lambda head: head.startswith(extents.W64_MARK), extents.w64),
    (lambda head: head.startswith(extents.CAF_MARK), extents.caf),
    (lambda head: head.startswith(extents.ASF_MARK), extents.asf),
    (lambda head: head.startswith(extents.AU_MARK), extents.au),
)
