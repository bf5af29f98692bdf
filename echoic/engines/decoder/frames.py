"""From a container to samples of one channel at 16 kHz: frames out of packets, resampled with FFmpeg's own filter."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from echoic.engines.decoder import wire
from echoic.engines.decoder.container import Refused

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MAX_READ_ERRORS = 20
"""Unreadable places passed over in one file before the rest is given up."""


def frames(
    container: "InputContainer", stream: "AudioStream", max_packets: int | None = None
) -> Iterator["AudioFrame"]:
    """Decoded frames in order; what cannot be read or decoded is passed over."""
    import av

    packets = 0
    for _ in range(MAX_READ_ERRORS):
        try:
            for packet in container.demux(stream):
                packets += 1
                if max_packets is not None and packets > max_packets:
                    return
                yield from _decoded(packet)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            continue
        return


def _decoded(packet: "Packet[AudioStream]") -> list["AudioFrame"]:
    import av

    try:
        return [frame for frame in packet.decode() if frame.samples and frame.sample_rate]
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return []


class Resampler:
    """Makes every frame 16 kHz, 16 bit, mono; a stream may change its form on the way.

    ``add`` gets the mix of all channels or, where ``channel`` is the number of one of two, that channel alone.
    Raises ``Refused`` where FFmpeg knows no way from the frame's channels to one, as with nine.
    """

    def __init__(self, add: Callable[[bytes], object], channel: int | None = None) -> None:
        self._add = add
        self._channel = channel
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def add(self, frame: "AudioFrame") -> None:
        from av.audio.resampler import AudioResampler

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            self.finish()
            layout = "mono" if self._channel is None else "stereo"
            self._resampler = AudioResampler(format="s16p", layout=layout, rate=wire.SAMPLE_RATE)
            self._form = form
        # Where silence belongs was decided before; the filter is to see one unbroken stream.
        frame.pts = None
        self._push(frame)

    def finish(self) -> None:
        """Hand on what the filter still holds."""
        self._push(None)

    def _push(self, frame: "AudioFrame | None") -> None:
        import av

        if self._resampler is None:
            return
        try:
            resampled = self._resampler.resample(frame)
        except av.error.ArgumentError as error:
            raise Refused(wire.CODEC_REFUSED) from error
        for out in resampled:
            self._add(bytes(out.planes[self._channel or 0])[: out.samples * wire.BYTES_PER_SAMPLE])
