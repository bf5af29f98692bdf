"""AAC as a stream of frames, each with a head of its own (ADTS, ISO 13818-7, 6.2): taken apart here.

FFmpeg passes over what is no frame without a word, and its decoder keeps to the first form that it meets.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from echoic.engines.media.child.reading import Reading, decoded
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

HEAD_BYTES = 7
MAX_FRAME_BYTES = 1 << 13
RATES = 13
"""Sample rates that a head can name; greater numbers are reserved."""
READ_BYTES = 65_536
MAX_HOLE_BYTES = 262_144
"""Bytes without a frame that are kept together."""


def adts_frames(section: Section, reading: Reading, max_packets: int | None) -> Iterator["AudioFrame"]:
    """Decoded frames in order; what is no frame between them is told as lost."""
    from av.packet import Packet

    decoder = _AdtsDecoder()
    at = 0
    for number, (is_frame, content) in enumerate(split(section)):
        at += len(content)
        if max_packets is not None and number >= max_packets:
            return
        if is_frame:
            yield from decoded(decoder, cast("Packet[AudioStream]", Packet(content)), reading)
            reading.end_bytes = at
        else:
            reading.losses.failed(0.0, content)
    yield from decoded(decoder, cast("Packet[AudioStream]", Packet(0)), reading)


def split(section: Section) -> Iterator[tuple[bool, bytes]]:
    """All bytes of the section in order, as frames (True) and as what stands between them (False)."""
    section.seek(0)
    data, at, ended, in_step = b"", 0, False, False
    hole = bytearray()
    while True:
        if not ended and len(data) - at < 2 * MAX_FRAME_BYTES:
            more = section.read(READ_BYTES)
            data, at, ended = data[at:] + more, 0, not more
            continue
        if at >= len(data):
            break
        end = at + _frame_bytes(data, at)
        # Where a frame is not expected, another has to follow.
        if at < end <= len(data) and (in_step or end == len(data) or _frame_bytes(data, end)):
            if hole:
                yield False, bytes(hole)
                hole.clear()
            yield True, data[at:end]
            at, in_step = end, True
            continue
        following = data.find(b"\xff", at + 1)
        end = following if following > 0 else len(data)
        hole += data[at:end]
        at, in_step = end, False
        if len(hole) >= MAX_HOLE_BYTES:
            yield False, bytes(hole)
            hole.clear()
    if hole:
        yield False, bytes(hole)


def _frame_bytes(data: bytes, at: int) -> int:
    """Return how long the frame says it is whose head stands there; 0 where there is none."""
    head = data[at : at + HEAD_BYTES]
    if len(head) < HEAD_BYTES or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 >= RATES:  # noqa: PLR2004
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > HEAD_BYTES else 0


class _AdtsDecoder:
    """Decodes AAC of which every packet says its form: a decoder of FFmpeg keeps to the first form that it meets."""

    def __init__(self) -> None:
        self._form: bytes = b""
        self._context: AudioCodecContext | None = None

    def decode(self, packet: "Packet[AudioStream]") -> list["AudioFrame"]:
        from av.codec import CodecContext

        head = bytes(memoryview(packet)[:4])
        if len(head) < 4:  # noqa: PLR2004 -- the last packet, which is empty
            return self._context.decode(packet) if self._context is not None else []
        # ISO 13818-7, 6.2.1: profile, sampling frequency and channels.
        form = bytes((head[2] & 0xFD, head[3] & 0xC0))
        if self._context is None or form != self._form:
            self._context = CodecContext.create("aac", "r")
            self._context.thread_count = 1
            self._form = form
        return self._context.decode(packet)
