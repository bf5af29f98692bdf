"""From a container to the channels of a track at 16 kHz: frames out of packets, resampled with FFmpeg's own filter."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from echoic.engines.media import wire
from echoic.engines.media.child.container import Refused, rate_is_taken
from echoic.engines.media.child.pcm import Timeline
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MAX_READ_ERRORS = 20
"""Unreadable places passed over in one recording before the rest is given up."""
BLOCK_SAMPLES = SAMPLE_RATE // 2
"""Samples handed on at a time; frames of codecs are too short for numpy to be fast."""
UNLABELLED = "NONE"
ADTS = "aac"
"""The container whose packets have no times of their own."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Channels:
    """A stretch of sound: numbers within [-1, 1] of the shape (channels, samples), at ``SAMPLE_RATE``."""

    names: tuple[str, ...]
    """FFmpeg's names of the channels, ``UNLABELLED`` where the file gives none."""
    samples: Samples


@dataclass(kw_only=True, slots=True)
class Reading:
    """The events met while a track was read."""

    seconds: float = 0.0
    """From the beginning of the recording to where the track ends."""
    packet_bytes: int = 0
    """Of the packets that were decoded."""
    damaged_seconds: float = 0.0
    """Of the packets that were not."""


def read_channels(container: "InputContainer", stream: "AudioStream", reading: Reading) -> Iterator[Channels]:
    """The whole track in order, ``BLOCK_SAMPLES`` at a time; gaps in its clock are silence. Raises ``Refused``."""
    for channels in _blocks(container, stream, reading):
        reading.seconds += channels.samples.shape[1] / SAMPLE_RATE
        yield channels


def _blocks(container: "InputContainer", stream: "AudioStream", reading: Reading) -> Iterator[Channels]:
    import av

    start: int | None = container.start_time  # the types forget that it may be unknown
    timeline = Timeline(None if start is None else start / av.time_base)
    resampler = Resampler()
    has_clock = container.format.name != ADTS
    for frame in frames(container, stream, reading):
        gap = timeline.gap_before(frame.time if has_clock else None, frame.samples / frame.sample_rate)
        if gap:
            yield from resampler.silence(gap, frame)
        yield from resampler.add(frame)
    yield from resampler.finish()


def frames(
    container: "InputContainer", stream: "AudioStream", reading: Reading, max_packets: int | None = None
) -> Iterator["AudioFrame"]:
    """Decoded frames in order; what cannot be read or decoded is passed over."""
    import av

    packets = 0
    decoder = _AdtsDecoder() if container.format.name == ADTS else stream
    for _ in range(MAX_READ_ERRORS):
        try:
            for packet in container.demux(stream):
                packets += 1
                if max_packets is not None and packets > max_packets:
                    return
                yield from _decoded(decoder, packet, reading)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            continue
        return


def _decoded(
    decoder: "AudioStream | _AdtsDecoder", packet: "Packet[AudioStream]", reading: Reading
) -> list["AudioFrame"]:
    import av

    try:
        # Frames say their own rate, whatever the header says: a small one at a low rate would be hours of sound.
        found = [frame for frame in decoder.decode(packet) if frame.samples and rate_is_taken(frame.sample_rate)]
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        if packet.duration and packet.time_base:
            reading.damaged_seconds += float(packet.duration * packet.time_base)
        return []
    reading.packet_bytes += packet.size
    return found


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
