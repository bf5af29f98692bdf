"""Films in fragments, between which the reader jumps."""

import io
import struct

import av
import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, probe


class Fragmented:
    """A film in fragments with a megabyte of pictures between them, which are zeros here; counts what is read of it."""

    GAP_BYTES = 1_000_000

    def __init__(self, fragments: bytes) -> None:
        self.bytes_read = 0
        self.size = 0
        self._parts: list[tuple[int, bytes]] = []
        position = 0
        while position < len(fragments):
            (length,) = struct.unpack_from(">I", fragments, position)
            box = fragments[position : position + length]
            if box[4:8] == b"moof":
                self._parts.append((self.size, struct.pack(">I4s", self.GAP_BYTES, b"free")))
                self.size += self.GAP_BYTES
            self._parts.append((self.size, box))
            self.size += length
            position += length

    async def read_range(self, start: int, length: int) -> bytes:
        self.bytes_read += length
        found = bytearray(length)
        for first, box in self._parts:
            if start < first + len(box) and first < start + length:
                part = box[max(start - first, 0) : start + length - first]
                at = max(first - start, 0)
                found[at : at + len(part)] = part
        return bytes(found)


async def test_a_film_in_many_fragments_is_looked_through_without_its_pictures(limits: MediaLimits) -> None:
    written = io.BytesIO()
    movflags = {"movflags": "empty_moov+default_base_moof", "frag_duration": "250000"}
    with av.open(written, "w", format="mp4", options=movflags) as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        for second in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), dtype="<i2"), format="s16", layout="mono")
            frame.rate, frame.pts = 16_000, 16_000 * second
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    fragments = written.getvalue()
    film = Fragmented(fragments)

    found = await probe(film, limits)

    assert fragments.count(b"moof") > 100
    assert found.duration_seconds == pytest.approx(40, abs=0.2)
    assert film.bytes_read < film.size / 4
