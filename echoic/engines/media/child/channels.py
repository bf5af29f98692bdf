"""From a container to the channels of a track at 16 kHz: frames out of packets, resampled with FFmpeg's own filter."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from echoic.engines.media import wire
from echoic.engines.media.child import wavpack
from echoic.engines.media.child.adts import adts_frames
from echoic.engines.media.child.avi import AviClock
from echoic.engines.media.child.container import AVI, WAVPACK, Refused
from echoic.engines.media.child.lengths import told_seconds
from echoic.engines.media.child.pcm import Timeline
from echoic.engines.media.child.reading import Reading, decoded, packets
from echoic.engines.media.child.sections import Section
from echoic.engines.media.child.starts import start_seconds
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BLOCK_SAMPLES = SAMPLE_RATE // 2
"""Samples handed on at a time; frames of codecs are too short for numpy to be fast."""
UNLABELLED = "NONE"
ADTS = "aac"
MP3 = "mp3"
"""Containers whose packets have no times of their own."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Channels:
    """A stretch of sound: numbers within [-1, 1] of the shape (channels, samples), at ``SAMPLE_RATE``."""

    names: tuple[str, ...]
    """FFmpeg's names of the channels, ``UNLABELLED`` where the file gives none."""
    samples: Samples


def read_channels(
    container: "InputContainer", stream: "AudioStream", section: Section, reading: Reading, *, max_seconds: float
) -> Iterator[Channels]:
    """The whole track in order, ``BLOCK_SAMPLES`` at a time; gaps in its clock are silence, and so is lost sound.

    A length of more than ``max_seconds`` that the file states does not make a long gap believed. Raises ``Refused``.
    """
    start = start_seconds(container, section)
    # As of a cut file, whose picture may go on behind the sound: no gap is believed for that.
    told = told_seconds(container, stream, section, is_cut=True, is_start_known=not reading.losses.began_in_trouble)
    stated_end = None if told is None or told > max_seconds else (start or 0.0) + told
    timeline = Timeline(start, stated_end)
    for channels in _blocks(container, stream, section, reading, timeline):
        reading.seconds += channels.samples.shape[1] / SAMPLE_RATE
        yield channels
    reading.skipped_seconds = timeline.skipped_seconds
    reading.losses.finish()


def has_clock(container: "InputContainer") -> bool:
    """Return whether packets have times of their own; else they are counted from the first on."""
    return container.format.name not in (ADTS, MP3)


def _blocks(
    container: "InputContainer", stream: "AudioStream", section: Section, reading: Reading, timeline: Timeline
) -> Iterator[Channels]:
    resampler = Resampler()
    is_timed = has_clock(container)
    for frame in frames(container, stream, section, reading):
        seconds = frame.samples / frame.sample_rate
        gap = reading.losses.before(timeline.gap_before(frame.time if is_timed else None, seconds), seconds)
        if gap:
            yield from resampler.silence(gap, frame)
        yield from resampler.add(frame)
    yield from resampler.finish()


def frames(
    container: "InputContainer",
    stream: "AudioStream",
    section: Section,
    reading: Reading,
    max_packets: int | None = None,
) -> Iterator["AudioFrame"]:
    """Decoded frames in order; what cannot be read or decoded is passed over."""
    if container.format.name == ADTS:
        yield from adts_frames(section, reading, max_packets)
        return
    if container.format.name == WAVPACK and wavpack.has_times(section):
        yield from wavpack.frames(stream, section, reading, max_packets)
        return
    # A look at the beginning does not follow a file without sound to its end.
    position = section.tell if max_packets is None else None
    clock = AviClock(stream, section, reading) if container.format.name == AVI else None
    for number, packet in enumerate(packets(container, stream, reading, position)):
        if max_packets is not None and number >= max_packets:
            return
        if clock is None or clock.place(packet):
            yield from decoded(stream, packet, reading)
    if clock is not None:
        clock.finish()


class Resampler:
    """Makes every frame 16 kHz, its channels kept apart; a stream may change its form on the way.

    Raises ``Refused`` where FFmpeg cannot resample the frame.
    """

    def __init__(self) -> None:
        self._form: tuple[str, str, int] | None = None
        self._names: tuple[str, ...] = ()
        self._resampler: AudioResampler | None = None
        self._pending: list[Samples] = []
        self._pending_samples = 0

    def add(self, frame: "AudioFrame") -> Iterator[Channels]:
        """Yield what is ready to be handed on once the frame has come."""
        if self._prepare(frame):
            yield from self.finish()
            self._begin(frame)
        # Where silence belongs was decided before; the filter is to see one unbroken stream.
        frame.pts = None
        yield from self._push(frame)

    def silence(self, seconds: float, frame: "AudioFrame") -> Iterator[Channels]:
        """Silence of that length before the frame, in its channels."""
        if self._prepare(frame):
            yield from self.finish()
            self._begin(frame)
        missing = round(seconds * SAMPLE_RATE)
        while missing:
            count = min(missing, BLOCK_SAMPLES)
            yield from self._collect(np.zeros((len(self._names), count), dtype=np.float32))
            missing -= count

    def finish(self) -> Iterator[Channels]:
        """Yield what the filter still holds."""
        if self._resampler is not None:
            yield from self._push(None)
        self._resampler = None
        yield from self._flush()

    def _prepare(self, frame: "AudioFrame") -> bool:
        return self._resampler is None or (frame.format.name, frame.layout.name, frame.sample_rate) != self._form

    def _begin(self, frame: "AudioFrame") -> None:
        from av.audio.resampler import AudioResampler

        self._form = (frame.format.name, frame.layout.name, frame.sample_rate)
        self._names = tuple(channel.name for channel in frame.layout.channels)
        # Not planar: PyAV reads beyond a frame's planes where there are eight or more.
        self._resampler = AudioResampler(format="flt", layout=frame.layout, rate=SAMPLE_RATE)

    def _push(self, frame: "AudioFrame | None") -> Iterator[Channels]:
        import av

        if self._resampler is None:
            return
        try:
            resampled = self._resampler.resample(frame)
        except (av.error.ArgumentError, ValueError) as error:
            raise Refused(wire.CODEC_REFUSED, f"{len(self._names)} channels") from error
        for out in resampled:
            samples = cast("Samples", out.to_ndarray())
            yield from self._collect(samples.reshape(out.samples, len(self._names)).T)

    def _collect(self, samples: Samples) -> Iterator[Channels]:
        self._pending.append(samples)
        self._pending_samples += samples.shape[1]
        if self._pending_samples >= BLOCK_SAMPLES:
            yield from self._flush()

    def _flush(self) -> Iterator[Channels]:
        if self._pending_samples:
            yield Channels(names=self._names, samples=np.concatenate(self._pending, axis=1))
        self._pending, self._pending_samples = [], 0
