"""The decoding process: confine yourself, then probe or decode the one source.

Arguments: ``probe``, ``decode``, or ``0`` or ``1`` to decode that channel of two; the source's size in bytes, the longest recording in seconds, memory in bytes,
processor time in seconds, the parent's process id.
"""

import io
import json
import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from echoic.engines.decoder import wire
from echoic.engines.decoder.balance import Balance
from echoic.engines.decoder.confine import confine
from echoic.engines.decoder.container import Refused, choose_stream, declared_seconds, describe, open_container
from echoic.engines.decoder.frames import Resampler, frames
from echoic.engines.decoder.pcm import Timeline, TooLong, Windows
from echoic.engines.decoder.pipes import RemoteFile, say_ready, send, send_audio

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

MAX_PROBED_PACKETS = 200
"""A file of which so many packets in a row cannot be decoded holds no audio."""


def main(arguments: list[str]) -> None:
    mode, size, max_seconds, memory, cpu, parent = arguments
    _rehearse()
    say_ready(confine(memory_bytes=int(memory), cpu_seconds=int(cpu), parent_pid=int(parent)))
    try:
        with open_container(RemoteFile(int(size))) as container:
            stream = choose_stream(container)
            if mode == "probe":
                info = _probe(container, stream)
            else:
                channel = int(mode) if mode.isdigit() else None
                info = _decode(container, stream, float(max_seconds), channel=channel)
    except Refused as refused:
        send(wire.FAILED, refused.reason)
    except TooLong:
        send(wire.FAILED, wire.TOO_LONG)
    except MemoryError:
        send(wire.FAILED, wire.OUT_OF_MEMORY)
    else:
        send(wire.DONE, json.dumps(info).encode())


def _rehearse() -> None:
    """Decode a file of our own: what is imported only when needed is imported now, while files can be opened."""
    import wave

    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((2, wire.BYTES_PER_SAMPLE, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    content.seek(0)
    with open_container(content) as container:
        _decode(container, choose_stream(container), math.inf, emit=bytes, channel=None)


def _probe(container: "InputContainer", stream: "AudioStream") -> dict[str, object]:
    for frame in frames(container, stream, max_packets=MAX_PROBED_PACKETS):
        Resampler(bytes).add(frame)
        return describe(container, stream, declared_seconds(container, stream))
    raise Refused(wire.NOTHING_DECODED)


def _decode(
    container: "InputContainer",
    stream: "AudioStream",
    max_seconds: float,
    *,
    channel: int | None = None,
    emit: Callable[[bytes], object] = send_audio,
) -> dict[str, object]:
    import av

    windows = Windows(emit, max_seconds=max_seconds)
    balance = Balance()
    start: int | None = container.start_time  # the types forget that it may be unknown
    timeline = Timeline(None if start is None else start / av.time_base)
    resampler = Resampler(windows.add, channel)
    for frame in frames(container, stream):
        windows.add_silence(timeline.gap_before(frame.time, frame.samples / frame.sample_rate))
        if channel is None:
            balance.add(frame)
        resampler.add(frame)
    resampler.finish()
    windows.finish()
    if not windows.samples:
        raise Refused(wire.NOTHING_DECODED)
    return {**describe(container, stream, windows.seconds), "balance": balance.counts()}


if __name__ == "__main__":
    main(sys.argv[1:])
