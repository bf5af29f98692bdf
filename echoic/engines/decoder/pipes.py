"""The child's ends of the two pipes: messages out, and the source as a file that PyAV can read."""

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import NoReturn

from echoic.engines.decoder import wire

MAX_CACHED_BLOCKS = 8
"""Blocks of the source kept: some containers make the reader jump between index and data."""
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


class RemoteFile:
    """A seekable, read-only file whose bytes come from the parent."""

    name = "upload"

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes, possibly fewer; none at the end. PyAV copies whatever comes, so never more."""
        index, skip = divmod(self._position, wire.BLOCK_BYTES)
        if count <= 0 or self._position >= self._size:
            return b""
        part = self._block(index)[skip : skip + count]
        self._position += len(part)
        return part

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def _block(self, index: int) -> bytes:
        if index in self._blocks:
            self._blocks.move_to_end(index)
            return self._blocks[index]
        offset = index * wire.BLOCK_BYTES
        block = _fetch(offset, min(wire.BLOCK_BYTES, self._size - offset))
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
