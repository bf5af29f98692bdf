"""Endings of recordings: a file that is shorter than it says is told, not passed over."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from echoic.engines.media.child.extents import Extent
from echoic.engines.media.child.lengths import TELL_BY_BYTES, TELLS_OF_ALL_TRACKS, told_seconds
from echoic.engines.media.child.pieces import after_tags
from echoic.engines.media.child.reading import Reading
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

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
    container: "InputContainer",
    stream: "AudioStream",
    reading: Reading,
    *,
    extent: Extent,
    section: Section,
    longest_seconds: float,
) -> Ending:
    """Compare what the head of a recording says with what was read of one track, from that section.

    ``longest_seconds`` is the end of the last of all tracks that were read.
    """
    is_cut = extent.missing_bytes > 0
    is_start_known = not reading.losses.began_in_trouble
    told = told_seconds(container, stream, section, is_cut=is_cut, is_start_known=is_start_known)
    is_whole = extent.end is not None and not extent.missing_bytes
    name = container.format.name
    if name == MP3:
        told, is_whole = _mp3_tells(section)
    read_seconds = longest_seconds if name in TELLS_OF_ALL_TRACKS else reading.clock_seconds
    span_bytes = section.end - section.start
    if told is None and is_cut and span_bytes and name in TELL_BY_BYTES:
        told = read_seconds * (span_bytes + extent.missing_bytes) / span_bytes
    found = Ending(told_seconds=max(told or 0.0, read_seconds), read_seconds=read_seconds)
    if found.is_early and is_whole and reading.losses.met_trouble:
        missing = found.told_seconds - found.read_seconds
        return Ending(told_seconds=read_seconds, read_seconds=read_seconds, damaged_seconds=missing)
    if told is not None and is_cut and not found.is_early and name in TELLS_OF_ALL_TRACKS:
        # The last packet is there, so the missing bytes stood where the clock goes on without sound.
        missing = told * extent.missing_bytes / (span_bytes + extent.missing_bytes)
        return replace(found, damaged_seconds=min(reading.losses.pause_seconds, missing))
    return found


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
