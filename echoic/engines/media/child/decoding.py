"""All recordings of a file, all tracks that count, as one channel of 16-bit samples; or one voice of it alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field

import numpy as np

from echoic.engines.media.child import complaints
from echoic.engines.media.child.balance import Balance
from echoic.engines.media.child.channels import (
    BLOCK_SAMPLES,
    UNLABELLED,
    Channels,
    Samples,
    frames,
    has_clock,
    read_channels,
)
from echoic.engines.media.child.container import WAVPACK, declared_seconds, describe, read_only
from echoic.engines.media.child.endings import Ending, ending
from echoic.engines.media.child.losses import Losses
from echoic.engines.media.child.mixdown import Mixdown
from echoic.engines.media.child.opening import Recording, nothing_found, open_first, recordings
from echoic.engines.media.child.pcm import Windows
from echoic.engines.media.child.reading import Reading
from echoic.engines.media.child.sections import Section, Source
from echoic.engines.media.child.starts import late_seconds
from echoic.engines.media.child.tails import unread_within
from echoic.engines.media.child.tracks import LeftOut

MAX_PROBED_PACKETS = 200
"""A file of which so many packets in a row cannot be decoded holds no audio."""
FULL_SCALE = 32_768


def probe(source: Source, extension: str, *, on_opened: Callable[[str], object]) -> dict[str, object]:
    """Return what the file says of itself, once some of its sound was decoded. Raises ``Refused``.

    ``on_opened`` is told what the file is before any of it is decoded; so it is by ``decode``.
    """
    recording = open_first(source, extension)
    on_opened(recording.in_words())
    with closing(recording.container) as container:
        stream = read_only(container, recording.choice.indexes[0])
        seconds = declared_seconds(container, stream)
        reading = Reading()
        for _frame in frames(container, stream, recording.section, reading, max_packets=MAX_PROBED_PACKETS):
            return describe(container, stream, seconds)
    raise nothing_found(source, is_empty=not reading.packets and not reading.losses.met_trouble)


@dataclass(kw_only=True, slots=True)
class _Found:
    """The findings about a file that are told in the end."""

    balance: Balance = field(default_factory=Balance)
    left_out: list[LeftOut] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    damaged_seconds: float = 0.0
    unread_bytes: int = 0
    skipped_seconds: float = 0.0
    recordings: int = 0

    def add_unread(self, count: int) -> None:
        self.unread_bytes += count

    def fields(self) -> dict[str, object]:
        is_short = any(each.is_early for each in self.endings)
        return {
            "balance": self.balance.counts(),
            "tracks_left_out": [asdict(each) for each in self.left_out],
            "told_seconds": sum(each.told_seconds for each in self.endings) if is_short else None,
            "damaged_seconds": self.damaged_seconds,
            "unread_bytes": self.unread_bytes,
            "skipped_seconds": self.skipped_seconds,
            "recordings": self.recordings,
        }


def decode(
    source: Source,
    extension: str,
    *,
    max_seconds: float,
    voice: int | None,
    emit: Callable[[bytes], object],
    on_opened: Callable[[str], object],
) -> dict[str, object]:
    """Hand the sound on, in windows; with ``voice`` that of one channel, or of one track, alone.

    Raises ``Refused`` and ``TooLong``.
    """
    windows = Windows(emit, max_seconds=max_seconds)
    first = open_first(source, extension)
    on_opened(first.in_words())
    found = _Found()
    info: dict[str, object] = {}
    for recording, section in recordings(source, first, found.add_unread):
        mixdown = Mixdown()
        recording.container.close()
        with ExitStack() as stack:
            reader = _Reader(recording, section, stack, found)
            info = info or reader.describe()
            for channels in reader.read(max_seconds=max_seconds):
                found.balance.add(channels)
                samples = mixdown.mix(channels) if voice is None else _voice(channels, voice, found.balance, mixdown)
                windows.add(np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes())
            reader.finish()
    windows.finish()
    if not windows.samples:
        raise nothing_found(source)
    return {**info, "duration_seconds": windows.seconds, **found.fields()}


def _voice(channels: Channels, voice: int, balance: Balance, mixdown: Mixdown) -> Samples:
    if len(channels.samples) == balance.channels:
        alone: Samples = channels.samples[voice]
        return alone
    # A stretch in another form is on the first voice, whole.
    return mixdown.mix(channels) if voice == 0 else np.zeros(channels.samples.shape[1], dtype=np.float32)


class _Reader:
    """Reads the tracks of one recording side by side: of a single one its channels, of several each as a channel."""

    def __init__(self, recording: Recording, section: Section, stack: ExitStack, found: _Found) -> None:
        self._recording = recording
        self._section = section
        self._found = found
        before = complaints.count()
        self._opened = [stack.enter_context(recording.track(index)) for index in recording.choice.indexes]
        self._readings = [
            Reading(
                losses=Losses(
                    has_clock=has_clock(container),
                    complaints_before=before,
                    late_seconds=late_seconds(container, stream),
                )
            )
            for container, stream, _ in self._opened
        ]
        found.recordings += 1
        found.left_out += recording.choice.left_out

    def describe(self) -> dict[str, object]:
        container, stream, _ = self._opened[0]
        return describe(container, stream, None)

    def read(self, *, max_seconds: float) -> Iterator[Channels]:
        tracks = [
            read_channels(container, stream, section, reading, max_seconds=max_seconds)
            for (container, stream, section), reading in zip(self._opened, self._readings, strict=True)
        ]
        if len(tracks) == 1:
            yield from tracks[0]
            return
        rows = [_Row(track) for track in tracks]
        names = (UNLABELLED,) * len(rows)
        while True:
            parts = [row.take(BLOCK_SAMPLES) for row in rows]
            longest = max(len(part) for part in parts)
            if not longest:
                return
            yield Channels(names=names, samples=np.stack([np.pad(part, (0, longest - len(part))) for part in parts]))

    def finish(self) -> None:
        """Tell how the recording ended, and where."""
        for _, _, section in self._opened:
            section.drain()
        self._section.end = self._opened[0][2].end
        if self._opened[0][0].format.name == WAVPACK and self._readings[0].end_bytes:
            # The sizes are in the blocks, so the end is known only when they were read.
            self._section.end = self._section.start + self._readings[0].end_bytes
        longest = max(reading.clock_seconds for reading in self._readings)
        self._found.endings.append(
            max(
                (
                    ending(
                        container,
                        stream,
                        reading,
                        extent=self._recording.piece.extent,
                        section=self._section,
                        longest_seconds=longest,
                    )
                    for (container, stream, _), reading in zip(self._opened, self._readings, strict=True)
                ),
                key=lambda each: each.told_seconds - each.read_seconds + each.damaged_seconds,
            )
        )
        self._found.skipped_seconds += max(reading.skipped_seconds for reading in self._readings)
        self._found.damaged_seconds += sum(reading.losses.seconds for reading in self._readings)
        self._found.damaged_seconds += self._found.endings[-1].damaged_seconds
        if self._recording.as_stream:
            self._found.unread_bytes += min(
                unread_within(self._recording.piece, self._section, reading, self._recording.format_name)
                for reading in self._readings
            )


class _Row:
    """One track, mixed to one channel, taken as many samples at a time as are wanted."""

    def __init__(self, track: Iterator[Channels]) -> None:
        mixdown = Mixdown()
        self._blocks = (mixdown.mix(channels) for channels in track)
        self._rest = np.zeros(0, dtype=np.float32)

    def take(self, count: int) -> Samples:
        """Return the next samples; fewer at the end, and then none."""
        parts = [self._rest]
        have = len(self._rest)
        while have < count:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            have += len(block)
        whole = np.concatenate(parts)
        self._rest = whole[count:]
        return whole[:count]
