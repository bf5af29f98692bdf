"""The reading of one track: packets out of a container, decoded one by one; what went wrong on the way is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from echoic.engines.media.child import complaints
from echoic.engines.media.child.container import rate_is_taken
from echoic.engines.media.child.losses import Losses

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

MAX_READ_ERRORS = 20
"""Unreadable places at which the reader does not get ahead, before the rest of a recording is given up."""


def _unknown_losses() -> Losses:
    return Losses(has_clock=True, complaints_before=complaints.count())


@dataclass(kw_only=True, slots=True)
class Reading:
    """The events met while a track was read."""

    seconds: float = 0.0
    """From the beginning of the recording to where the track ends."""
    packets: int = 0
    """Those with content, decoded or not."""
    packet_bytes: int = 0
    """Of the packets that were decoded."""
    end_bytes: int = 0
    """From the beginning of the recording to the end of the last packet that was decoded, where the container says it."""
    last_bytes: int = 0
    """Of the last of these packets."""
    skipped_seconds: float = 0.0
    """Of the file's clock, jumps that no silence stands for."""
    losses: Losses = field(default_factory=_unknown_losses)

    @property
    def clock_seconds(self) -> float:
        """From the beginning of the recording to where the track ends by the file's clock."""
        return self.seconds + self.skipped_seconds

    @property
    def known_bytes(self) -> int:
        """Bytes that were decoded, or told as lost."""
        return self.packet_bytes + self.losses.reckoned_bytes


class Decoder(Protocol):
    """A stream, or what decodes in its place."""

    def decode(self, packet: "Packet[AudioStream]") -> list["AudioFrame"]: ...


def packets(
    container: "InputContainer", stream: "AudioStream", reading: Reading, position: Callable[[], int] | None
) -> Iterator["Packet[AudioStream]"]:
    """Packets in order; places that cannot be read are passed over while ``position``, in bytes, goes up."""
    import av

    errors, furthest = 0, -1
    while errors < MAX_READ_ERRORS:
        try:
            yield from container.demux(stream)
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            reading.losses.trouble()
            at = position() if position is not None else -1
            errors = 0 if at > furthest else errors + 1
            furthest = max(at, furthest)
            continue
        return


def decoded(decoder: Decoder, packet: "Packet[AudioStream]", reading: Reading) -> list["AudioFrame"]:
    """Frames of one packet; none where it cannot be decoded."""
    import av

    reading.packets += packet.size > 0
    try:
        # Frames say their own rate, whatever the header says: a small one at a low rate would be hours of sound.
        found = [frame for frame in decoder.decode(packet) if frame.samples and rate_is_taken(frame.sample_rate)]
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        seconds = float(packet.duration * packet.time_base) if packet.duration and packet.time_base else 0.0
        reading.losses.failed(seconds, memoryview(packet) if packet.size else b"")
        return []
    reading.packet_bytes += packet.size
    if packet.pos is not None:
        reading.end_bytes = max(reading.end_bytes, packet.pos + packet.size)
        reading.last_bytes = packet.size
    reading.losses.heard(
        sum(frame.samples / frame.sample_rate for frame in found),
        memoryview(packet) if packet.size else b"",
        is_corrupt=any(frame.is_corrupt for frame in found),
    )
    return found
