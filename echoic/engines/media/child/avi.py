"""Sound in an AVI: no chunk says its time, so that what follows a hole would come too early.

FFmpeg passes over what is no chunk without a word, and counts on. The index of the film tells how much came before each
chunk; where there is none, what was lost is reckoned by its bytes.
"""

from itertools import islice
from typing import TYPE_CHECKING

from echoic.engines.media.child.reading import Reading
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

HEAD_BYTES = 8
LIST_BYTES = 12
LISTS = (b"RIFF", b"LIST")
LISTS_OF_CHUNKS = (b"AVIX", b"movi", b"rec ")
AAC = "aac"
"""Of it a chunk is a frame."""
MAX_CHUNKS_BETWEEN = 10_000
"""Chunks of other streams between two of one."""
MIN_HOLE_BYTES = 4096
"""Less than this that is no chunk is what writers leave between chunks."""
MAX_TOLD_UNITS = 1 << 30
"""Programs that do not know the length when they begin write this, or more."""
SEARCH_BYTES = 262_144


class AviClock:
    """Follows the chunks of one track, and sets its packets to their times."""

    def __init__(self, stream: "AudioStream", section: Section, reading: Reading) -> None:
        self._stream = stream
        self._section = section
        self._size = section.end - section.start
        self._losses = reading.losses
        # FFmpeg adds further entries while it reads, at the times that it counts.
        self._entries = len(stream.index_entries)
        self._told_before: dict[int, int] | None = None
        """By the position of a chunk, how much the index says came before it: units of the clock, or bytes."""
        self._chunks_count = stream.frames == self._entries > 0 or stream.codec_context.name == AAC
        """Whether each chunk is a unit; FFmpeg takes one that is larger than usual for several."""
        self._chunk = self._chunk_end = LIST_BYTES
        self._chunks = 0
        self._name = b""
        self._shift = 0
        self._end = 0
        """Units up to the end of the last packet."""
        self._hole_bytes = 0
        self._first_chunk: int | None = None
        self._known = (0, 0)
        """Position of a chunk that nothing was lost before, and its time."""

    def place(self, packet: "Packet[AudioStream]") -> bool:
        """Set the packet to its time, and return whether it is sound: an index may lead to a chunk without its head."""
        if packet.pos is None or packet.pts is None:
            return True
        is_within = self._chunks > 0 and self._chunk <= packet.pos < self._chunk_end
        if not is_within and not self._enter(packet, packet.pos, packet.pts):
            return False
        if is_within and self._chunks_count:
            packet.pts = packet.dts = None
        else:
            packet.pts = packet.dts = self._counted(packet.pts) + self._shift
            self._end = packet.pts + max(packet.duration or 0, 1)
        return True

    def finish(self) -> None:
        """Tell what is lost behind the last packet."""
        reached = self._walk(self._size)
        if reached >= self._size - MIN_HOLE_BYTES:
            return
        told = _told_units(self._stream) or self._end
        if self._entries:
            told = max(told, max(self._index().values()) // self._scale())
        missing = told - self._end
        if missing <= 0 and self._has_content(reached):
            missing = self._by_bytes(self._size - reached, reached)
        if missing > 0 and self._stream.time_base:
            self._losses.failed(float(missing * self._stream.time_base), b"")

    def _enter(self, packet: "Packet[AudioStream]", start: int, pts: int) -> bool:
        """Go on to the chunk whose content begins there; False where its head is gone."""
        head = start - HEAD_BYTES
        self._name, size = self._head(head)
        if not self._name[:2].isdigit():
            self._losses.failed(float((packet.duration or 0) * (self._stream.time_base or 0)), b"")
            return False
        reached = self._walk(head)
        self._chunks += 1
        if reached != head:
            self._pass_hole(head, reached, self._counted(pts))
        else:
            self._known = (head, self._counted(pts) + self._shift)
        self._first_chunk = head if self._first_chunk is None else self._first_chunk
        self._chunk, self._chunk_end = start, start + size
        return True

    def _pass_hole(self, head: int, reached: int, pts: int) -> None:
        placed = self._index().get(head)
        if placed is not None:
            shift = placed // self._scale() - pts
        elif head - reached >= MIN_HOLE_BYTES:
            shift = self._shift + self._by_bytes(head - reached, reached)
        else:
            return
        self._hole_bytes += head - reached
        if shift > self._shift:
            self._losses.trouble()
            self._shift = shift

    def _counted(self, pts: int) -> int:
        """Return the time of a packet as if nothing was lost."""
        return self._chunks - 1 if self._chunks_count else pts

    def _by_bytes(self, count: int, start: int) -> int:
        """Return how many units stood in so many bytes, by those up to a place."""
        span = start - (self._first_chunk or start) - self._hole_bytes
        return round(count * (self._end - self._shift) / span) if span > 0 else 0

    def _index(self) -> dict[int, int]:
        if self._told_before is None:
            entries = enumerate(islice(self._stream.index_entries, self._entries))
            self._told_before = {
                entry.pos: number if self._chunks_count else entry.timestamp for number, entry in entries
            }
        return self._told_before

    def _scale(self) -> int:
        """Return by how much the index counts finer than the clock, by the last chunk whose time both tell."""
        head, units = self._known
        return max(1, round(self._index().get(head, 0) / units)) if units > 0 else 1

    def _walk(self, end: int) -> int:
        """Return how far chunk stands behind chunk from the last one of the track on; ``end`` at most."""
        at, is_odd = self._chunk_end, (self._chunk_end - self._chunk) % 2 == 1
        for _ in range(MAX_CHUNKS_BETWEEN):
            if at >= end:
                return end
            # Some writers leave the byte out that makes an odd size even.
            if is_odd and (at + 1 == end or _is_name(self._head(at + 1)[0])):
                at, is_odd = at + 1, False
                continue
            name, size = self._head(at)
            if not _is_name(name):
                return at
            self._chunks += size == 0 and name == self._name
            is_list = name in LISTS and self._read(at + HEAD_BYTES, 4) in LISTS_OF_CHUNKS
            following = at + LIST_BYTES if is_list else at + HEAD_BYTES + size
            if following > end:
                # A copy that broke off ends within a chunk; that bytes are missing is told by its size.
                return end if end == self._size else at
            at, is_odd = following, not is_list and size % 2 == 1
        return end

    def _head(self, at: int) -> tuple[bytes, int]:
        """Return name and size of the chunk whose head stands there."""
        head = self._read(at, HEAD_BYTES)
        return head[:4], int.from_bytes(head[4:], "little")

    def _read(self, at: int, count: int) -> bytes:
        return self._section.source.read_at(self._section.start + at, min(count, self._size - at)) if at >= 0 else b""

    def _has_content(self, at: int) -> bool:
        """Return whether anything but zeros stands behind a place."""
        return any(any(self._read(start, SEARCH_BYTES)) for start in range(at, self._size, SEARCH_BYTES))


def avi_seconds(stream: "AudioStream") -> float | None:
    """Return how long a track is by the header of its stream; None where that does not say."""
    units = _told_units(stream)
    return float(units * stream.time_base) if units and stream.time_base else None


def _told_units(stream: "AudioStream") -> int:
    """Return so many units of its clock as the header says a track has; 0 where it does not say."""
    return stream.frames if 0 < stream.frames < MAX_TOLD_UNITS else 0


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte <= 0x7E for byte in name)  # noqa: PLR2004 -- four characters of ASCII
