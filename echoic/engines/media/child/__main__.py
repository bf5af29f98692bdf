"""The decoding process: wait for the order, confine yourself, then probe or decode the one source.

Argument: the parent's process id.
"""

import io
import json
import math
import sys
import wave

from echoic.engines.media import wire
from echoic.engines.media.child import complaints, decoding
from echoic.engines.media.child.confine import confine
from echoic.engines.media.child.container import Refused
from echoic.engines.media.child.pcm import TooLong
from echoic.engines.media.child.pipes import RemoteSource, await_order, say_opened, say_ready, send, send_audio
from echoic.engines.media.child.sections import MemorySource


def main(parent_pid: int) -> None:
    complaints.listen()
    _rehearse()
    order = await_order()
    say_ready(confine(memory_bytes=order.memory_bytes, cpu_seconds=order.cpu_seconds, parent_pid=parent_pid))
    source = RemoteSource(order.size_bytes)
    try:
        if order.mode == wire.PROBE:
            info = decoding.probe(source, order.extension, on_opened=say_opened)
        else:
            voice = int(order.mode) if order.mode.isdigit() else None
            info = decoding.decode(
                source,
                order.extension,
                max_seconds=order.max_seconds,
                voice=voice,
                emit=send_audio,
                on_opened=say_opened,
            )
    except Refused as refused:
        send(wire.FAILED, refused.reason + wire.DETAIL_MARK + refused.found.encode()[: wire.MAX_FOUND_BYTES])
    except TooLong:
        send(wire.FAILED, wire.TOO_LONG)
    except MemoryError:
        send(wire.FAILED, wire.OUT_OF_MEMORY)
    else:
        send(wire.DONE, json.dumps(info).encode())


def _rehearse() -> None:
    """Decode a file of our own: what is imported only when needed is imported now, while files can be opened."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((3, wire.BYTES_PER_SAMPLE, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(240)) * 200)
    source = MemorySource(content.getvalue())
    decoding.probe(source, "wav", on_opened=str)
    decoding.decode(source, "wav", max_seconds=math.inf, voice=None, emit=bytes, on_opened=str)


if __name__ == "__main__":
    main(int(sys.argv[1]))
