"""WavPack as a stream of blocks, each with its place in the recording and a checksum of its samples: taken apart here.

FFmpeg stops where no block is, and hands on what a damaged one decodes to, which is noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, cast

from echoic.engines.media.child.container import CHECKED
from echoic.engines.media.child.reading import Reading, decoded
from echoic.engines.media.child.sections import Section

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

MARK = b"wvpk"
HEAD_BYTES = 32
MAX_BLOCK_BYTES = 1 << 20
VERSIONS = range(0x402, 0x411)
INITIAL, FINAL, DSD = 0x800, 0x1000, 0x8000_0000
"""Flags: the first and the last of the blocks that share a time, and sound in single bits, whose times FFmpeg reckons."""
FORM_FLAGS = 0x0780_0003
"""Flags of sample rate and bytes a sample, which are the same in all blocks of a recording."""
UNKNOWN_SAMPLES = 0xFFFF_FFFF
SEARCH_BYTES = 262_144
MAX_BLOCKS_IN_A_GROUP = 64
MISMATCHES_OF_A_WRITER = 5
"""If so many groups from the first on do not match their checksums, these are reckoned in another way than FFmpeg does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Blocks that belong together: one for every two channels."""

    start: int
    """In bytes, within the section."""
    end: int
    first_sample: int
    """Its place in the recording."""
    samples: int
    """For each channel; 0 where the block holds something else."""
    total_samples: int | None
    """Of the whole recording, where its writer knew."""
    flags: int

    @property
    def form(self) -> int:
        return self.flags & FORM_FLAGS

    @property
    def begins_a_recording(self) -> bool:
        return self.samples > 0 and self.first_sample == 0 and bool(self.flags & INITIAL)


def frames(
    stream: "AudioStream", section: Section, reading: Reading, max_packets: int | None
) -> Iterator["AudioFrame"]:
    """Decoded frames in order, at their times; a block that does not match its checksum is told as lost."""
    from av.packet import Packet

    if _are_checked(stream, section):
        stream.codec_context.options = CHECKED
    for number, group in enumerate(groups(section, reading)):
        if max_packets is not None and number >= max_packets:
            return
        yield from decoded(stream, _packet(stream, section, group), reading)
        reading.end_bytes = group.end
    yield from decoded(stream, cast("Packet[AudioStream]", Packet(0)), reading)


def has_times(section: Section) -> bool:
    """Return whether the blocks of a section tell their places by samples; those of sound in single bits do not."""
    group = _group_at(section, 0)
    return group is not None and not group.flags & DSD


def groups(section: Section, reading: Reading) -> Iterator[Group]:
    """Yield all groups of sound that stand whole in the section, up to where another recording begins."""
    at, expected, offset = 0, 0, 0
    is_behind_hole = False
    form: int | None = None
    total: int | None = None
    while (group := _group_at(section, at)) is not None or (at := _find_group(section, at + 1, form)) >= 0:
        if group is None:
            is_behind_hole = True
            reading.losses.trouble()
            continue
        following = _group_at(section, group.end)
        behind = -1 if following is not None else _find_group(section, at + len(MARK), form)
        if form is not None and group.begins_a_recording:
            return
        if 0 <= behind < group.end or (form is not None and group.samples and group.form != form):
            is_behind_hole = True
            reading.losses.trouble()
            at = behind if behind >= 0 else group.end
            continue
        at = group.end
        if group.samples:
            if is_behind_hole and _goes_on(group, following) and group.first_sample < expected:
                # The hole took the end of this recording and the beginning of another.
                offset += total or expected
                expected = 0
            is_behind_hole = False
            total = total or group.total_samples
            group = _placed(replace(group, total_samples=total), following, expected)
            expected, form = group.first_sample + group.samples, group.form
            yield replace(group, first_sample=offset + group.first_sample)


def _goes_on(group: Group, following: Group | None) -> bool:
    return following is not None and following.first_sample == group.first_sample + group.samples


def _placed(group: Group, following: Group | None, expected: int) -> Group:
    """Return the group at a time that those around it leave for it: the numbers in its head may be damaged, too."""
    before = None if following is None or following.begins_a_recording else following.first_sample
    end = group.first_sample + group.samples
    is_possible = group.first_sample >= expected and (group.total_samples is None or end <= group.total_samples)
    if is_possible and (before is None or end <= before):
        return group
    samples = group.samples if before is None or before <= expected else min(group.samples, before - expected)
    first = expected if before is None else max(expected, before - samples)
    return replace(group, first_sample=first, samples=samples)


def _group_at(section: Section, at: int) -> Group | None:
    """Return the group that begins there; None where none stands whole."""
    first = _block_at(section, at)
    if first is None or not first.samples:
        return first
    block: Group | None = first
    for _ in range(MAX_BLOCKS_IN_A_GROUP):
        if block is None or block.first_sample != first.first_sample or (block.start > at and block.flags & INITIAL):
            return None
        if block.flags & FINAL:
            return replace(first, end=block.end)
        block = _block_at(section, block.end)
    return None


def _block_at(section: Section, at: int) -> Group | None:
    """Return the block that begins there (WavPack 4 & 5 binary file format, 2.0: the head of a block)."""
    head = section.source.read_at(section.start + at, min(HEAD_BYTES, section.end - section.start - at))
    if len(head) < HEAD_BYTES or head[:4] != MARK or int.from_bytes(head[8:10], "little") not in VERSIONS:
        return None
    size, total, first, samples, flags = (int.from_bytes(head[i : i + 4], "little") for i in (4, 12, 16, 20, 24))
    end = at + 8 + size
    if not HEAD_BYTES <= 8 + size <= MAX_BLOCK_BYTES or section.start + end > section.end:
        return None
    return Group(
        start=at,
        end=end,
        # Of both numbers the fifth byte was added later.
        first_sample=first + (head[10] << 32),
        samples=samples,
        total_samples=None if total == UNKNOWN_SAMPLES else total + (head[11] << 32),
        flags=flags,
    )


def _find_group(section: Section, at: int, form: int | None) -> int:
    """Return where the next group with sound of that form begins; -1 if there is none."""
    size = section.end - section.start
    while at < size:
        window = section.source.read_at(section.start + at, min(SEARCH_BYTES, size - at))
        found = -1
        while (found := window.find(MARK, found + 1)) >= 0:
            group = _group_at(section, at + found)
            if group is not None and group.samples and group.flags & INITIAL and form in (None, group.form):
                return at + found
        if len(window) < len(MARK):
            break
        at += len(window) - len(MARK) + 1
    return -1


def _are_checked(stream: "AudioStream", section: Section) -> bool:
    """Return whether the checksums of the recording are those that FFmpeg reckons: one that matches shows it."""
    import av
    from av.codec import CodecContext

    decoder = CodecContext.create("wavpack", "r")
    decoder.extradata = stream.codec_context.extradata
    decoder.options = CHECKED
    mismatches = 0
    for group in islice(groups(section, Reading()), MISMATCHES_OF_A_WRITER):
        try:
            decoder.decode(_packet(stream, section, group))
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            mismatches += 1
            continue
        return True
    return mismatches < MISMATCHES_OF_A_WRITER


def _packet(stream: "AudioStream", section: Section, group: Group) -> "Packet[AudioStream]":
    from av.packet import Packet

    packet = Packet(section.source.read_at(section.start + group.start, group.end - group.start))
    packet.pts = packet.dts = group.first_sample
    if stream.time_base is not None:
        packet.time_base = stream.time_base
    packet.duration = group.samples
    return cast("Packet[AudioStream]", packet)
