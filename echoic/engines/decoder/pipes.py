"""The child's ends of the two pipes: messages out, and the source's bytes in."""

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import NoReturn

from echoic.engines.decoder import wire

MAX_CACHED_BLOCKS = 16
"""Blocks of the source kept: some containers make the reader jump between index and data, and tracks are read apart."""
PARENT_GONE_STATUS = 3


def say_ready(layers: Sequence[str]) -> None:
    """Tell the parent that the conversation may begin, and how this process is confined."""
    send(wire.READY, json.dumps(layers).encode())


def send(kind: bytes, payload: bytes | bytearray | memoryview) -> None:
    """Write one message; waits while the parent is busy."""
    out = sys.stdout.buffer
    out.write(wire.HEADER.pack(kind, len(payload)))
    out.write(payload)
    out.flush()


def send_audio(pcm: bytes) -> None:
    """Hand on decoded samples."""
    send(wire.AUDIO, pcm)


class RemoteSource:
    """The bytes of the one file, which come from the parent."""

    def __init__(self, size_bytes: int) -> None:
        self.size = size_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read_at(self, offset: int, count: int) -> bytes:
        """The bytes from ``offset``, fewer only at the end."""
        parts: list[bytes] = []
        end = min(offset + count, self.size)
        while offset < end:
            index, skip = divmod(offset, wire.BLOCK_BYTES)
            part = self._block(index)[skip : skip + end - offset]
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _block(self, index: int) -> bytes:
        if index in self._blocks:
            self._blocks.move_to_end(index)
            return self._blocks[index]
        offset = index * wire.BLOCK_BYTES
        block = _fetch(offset, min(wire.BLOCK_BYTES, self.size - offset))
        self._blocks[index] = block
        if len(self._blocks) > MAX_CACHED_BLOCKS:
            self._blocks.popitem(last=False)
        return block


def _fetch(offset: int, length: int) -> bytes:
    send(wire.READ, wire.RANGE.pack(offset, length))
    (answered,) = wire.ANSWER.unpack(_read_exactly(wire.ANSWER.size))
    return _read_exactly(answered)


def _read_exactly(count: int) -> bytes:
    data = sys.stdin.buffer.read(count)
    if len(data) < count:
        _parent_is_gone()
    return data


def _parent_is_gone() -> NoReturn:
    # Not an exception: PyAV calls from C code that would swallow it.
    os._exit(PARENT_GONE_STATUS)
