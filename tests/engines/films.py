"""Films made for the tests: a picture from the beginning, and tracks of sound that begin when they are told to."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import av
import av.audio.stream
import av.video.stream
import numpy as np

RATE = 48_000
FRAME_SAMPLES = 960
BIT_RATE = 128_000
PICTURES_A_SECOND = 5
HERTZ = 440.0


def film_of(
    container: str,
    codec: str,
    *,
    starts: Sequence[float],
    seconds: float,
    picture: str | None = "mpeg4",
) -> bytes:
    """A film whose picture lasts until the last track ends; each track of sound begins at its time and is as long."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as output:
        video = None
        if picture:
            video = cast("av.video.stream.VideoStream", output.add_stream(picture, rate=PICTURES_A_SECOND))
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        tracks = [
            cast("av.audio.stream.AudioStream", output.add_stream(codec, rate=RATE, layout="mono")) for _ in starts
        ]
        for track in tracks:
            track.bit_rate = BIT_RATE
        packets = []
        if video is not None:
            for number in range(round((max(starts) + seconds) * PICTURES_A_SECOND)):
                shown = av.VideoFrame.from_ndarray(np.full((96, 64), 128, dtype=np.uint8), format="yuv420p")
                shown.pts, shown.time_base = number, Fraction(1, PICTURES_A_SECOND)
                packets += video.encode(shown)
            packets += video.encode(None)
        for track, first in zip(tracks, starts, strict=True):
            tone = 0.5 * np.sin(2 * np.pi * HERTZ * np.arange(round(seconds * RATE)) / RATE)
            samples = (tone * 32_767).astype(np.int16).reshape(1, -1)
            for start in range(0, samples.shape[1], FRAME_SAMPLES):
                part = np.ascontiguousarray(samples[:, start : start + FRAME_SAMPLES])
                heard = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                heard.sample_rate, heard.time_base = RATE, Fraction(1, RATE)
                heard.pts = start + round(first * RATE)
                packets += track.encode(heard)
            packets += track.encode(None)
        for packet in sorted(packets, key=lambda each: float((each.dts or 0) * (each.time_base or 0))):
            output.mux(packet)
    return content.getvalue()


def index_first(content: bytes) -> bytes:
    """An MP4 file as it is when its index stands before its sound: the offsets in the index move with the sound."""
    boxes: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        boxes.append((content[at + 4 : at + 8], content[at : at + size]))
        at += size
    index = dict(boxes)[b"moov"]
    table = index.index(b"stco") + 8
    count = int.from_bytes(index[table : table + 4], "big")
    moved = bytearray(index)
    for place in range(table + 4, table + 4 + 4 * count, 4):
        offset = int.from_bytes(index[place : place + 4], "big") + len(index)
        moved[place : place + 4] = offset.to_bytes(4, "big")
    rest = [box for name, box in boxes if name != b"moov"]
    return rest[0] + bytes(moved) + b"".join(rest[1:])
