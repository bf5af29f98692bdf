"""The child's ends of the two pipes: messages out, and the source's bytes in."""

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import NoReturn

from echoic.engines.media import wire

BLOCK_BYTES = 32_768
"""Bytes of the source that are kept together: as many as PyAV asks for at once."""
MAX_BLOCKS_AT_ONCE = wire.READ_BYTES // BLOCK_BYTES
MAX_CACHED_BLOCKS = 128
"""Blocks of the source kept: some containers make the reader jump between index and data, and tracks are read apart."""
MAX_READERS = 64
"""Places at which reading may go on: one for each track that is read apart, and some for jumps."""
PARENT_GONE_STATUS = 3


def await_order() -> wire.Order:
    """Return what the parent wants; waits until it says so."""
    (length,) = wire.ANSWER.unpack(_read_exactly(wire.ANSWER.size))
    return wire.Order(**json.loads(_read_exactly(length)))


def say_ready(layers: Sequence[str]) -> None:
    """Tell the parent that the conversation may begin, and how this process is confined."""
    send(wire.READY, json.dumps(layers).encode())


def send(kind: bytes, payload: bytes | bytearray | memoryview) -> None:
    """Write one message; waits while the parent is busy."""
    out = sys.stdout.buffer
    out.write(wire.HEADER.pack(kind, len(payload)))
    out.write(payload)
    out.flush()


def say_opened(what: str) -> None:
    """Tell the parent what the file is: if decoding ends this process, it is to be known where."""
    send(wire.OPENED, what.encode()[: wire.MAX_FOUND_BYTES])


def send_audio(pcm: bytes) -> None:
    """Hand on decoded samples."""
    send(wire.AUDIO, pcm)


class RemoteSource:
    """The bytes of the one file, which come from the parent.

    After a jump little is asked for, and twice as much each time that the reader goes on from there: a film in thousands
    of fragments is looked through by small jumps, and a recording is read on in large steps.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size = size_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_steps: OrderedDict[int, int] = OrderedDict()
        """By the block that follows what was asked for, how many blocks to ask for there."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Return the bytes from ``offset``, fewer only at the end."""
        parts: list[bytes] = []
        end = min(offset + count, self.size)
        while offset < end:
            index, skip = divmod(offset, BLOCK_BYTES)
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
        step = self._next_steps.pop(index, 1)
        offset = index * BLOCK_BYTES
        fetched = _fetch(offset, min(step * BLOCK_BYTES, self.size - offset))
        for number in range(step):
            self._blocks[index + number] = fetched[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
        self._next_steps[index + step] = min(2 * step, MAX_BLOCKS_AT_ONCE)
        for kept, most in ((self._blocks, MAX_CACHED_BLOCKS), (self._next_steps, MAX_READERS)):
            while len(kept) > most:
                kept.popitem(last=False)
        return self._blocks[index]


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
