"""Endings of recordings: a file that is shorter than it says is told, not passed over."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from echoic.engines.media.child.container import declared_seconds
from echoic.engines.media.child.extents import Extent
from echoic.engines.media.child.pieces import after_tags
from echoic.engines.media.child.reading import Reading
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

TELL_THEIR_LENGTH = ("aiff", "caf", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "wv")
"""Containers whose head says how long the sound is. Others estimate it by bytes a second, or say how long the film is."""
TELLS_OF_ALL_TRACKS = ("asf", "matroska,webm")
"""Containers whose head says how long the longest track is."""
TELL_NO_MORE = ("asf", "caf")
"""Containers of which FFmpeg reckons the length by the bytes that are there, once some are missing."""
MP3 = "mp3"
XING_BYTES = 192
"""The tag stands behind the head of a frame and what a decoder needs of it, within so many bytes."""
XING_FRAMES, XING_BYTE_COUNT = 1, 2
"""Flags of the tag: whether it counts frames, and after them bytes."""
MP3_SAMPLE_RATES = (44_100, 48_000, 32_000)
"""In Hz, by the index in the head of a frame (ISO 11172-3, 2.4.2.3)."""
MP3_FORMS = {3: (1152, 1), 2: (576, 2), 0: (576, 4)}
"""Samples of a frame of layer III, and what the rate is divided by: MPEG 1, 2 (ISO 13818-3) and 2.5."""
MIN_MISSING_SECONDS = 1.0
MIN_MISSING_SHARE = 0.002
"""Less than both together is padding, rounding, and what encoders add at the ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The length that a recording says it has, and the length that was read."""

    told_seconds: float
    read_seconds: float
    damaged_seconds: float = 0.0
    """Of a recording that is whole by its bytes, what it says beyond what was read."""

    @property
    def is_early(self) -> bool:
        missing = self.told_seconds - self.read_seconds
        return missing > MIN_MISSING_SECONDS + MIN_MISSING_SHARE * self.told_seconds


def ending(
    container: "InputContainer", stream: "AudioStream", reading: Reading, *, extent: Extent, section: Section
) -> Ending:
    """Compare what the head of a recording says with what was read of one track, from that section."""
    told = _told_seconds(container, stream, is_cut=extent.missing_bytes > 0)
    is_whole = extent.end is not None and not extent.missing_bytes
    if container.format.name == MP3:
        told, is_whole = _mp3_tells(section)
    span_bytes = section.end - section.start
    if told is None and extent.missing_bytes and span_bytes:
        told = reading.seconds * (span_bytes + extent.missing_bytes) / span_bytes
    found = Ending(told_seconds=max(told or 0.0, reading.seconds), read_seconds=reading.seconds)
    if found.is_early and is_whole and reading.losses.met_trouble:
        missing = found.told_seconds - found.read_seconds
        return Ending(told_seconds=reading.seconds, read_seconds=reading.seconds, damaged_seconds=missing)
    return found


def _told_seconds(container: "InputContainer", stream: "AudioStream", *, is_cut: bool) -> float | None:
    name = container.format.name
    if is_cut and name in TELL_NO_MORE:
        return None
    if name in TELL_THEIR_LENGTH:
        return declared_seconds(container, stream)
    # The picture may go on when the sound has ended.
    if name in TELLS_OF_ALL_TRACKS and (is_cut or not container.streams.video):
        return declared_seconds(container, stream)
    return None


def _mp3_tells(section: Section) -> tuple[float | None, bool]:
    """Return the length that the first frame says all frames have, and whether the bytes that it speaks of are all there.

    Only the tag of Xing says so, which others took over. The sample rate is that of the first frame: the stream's is the
    last one, where MP3 of several rates was joined.
    """
    first = after_tags(section.source, section.start)
    head = section.source.read_at(first, XING_BYTES)
    tag = next((at for name in (b"Xing", b"Info") if (at := head.find(name)) > 0), None)
    if tag is None or not head[tag + 7] & XING_FRAMES:
        return None, False
    version, rate = head[1] >> 3 & 3, head[2] >> 2 & 3
    if version not in MP3_FORMS or rate >= len(MP3_SAMPLE_RATES):
        return None, False
    samples, divisor = MP3_FORMS[version]
    seconds = int.from_bytes(head[tag + 8 : tag + 12], "big") * samples * divisor / MP3_SAMPLE_RATES[rate]
    told_bytes = int.from_bytes(head[tag + 12 : tag + 16], "big") if head[tag + 7] & XING_BYTE_COUNT else 0
    return seconds, 0 < told_bytes <= section.end - first
