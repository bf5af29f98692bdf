"""Audio for the tests of the engines: made on the spot, or read from the examples."""

import asyncio
import io
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.audio.stream
import numpy as np
import pytest

from echoic.engines.media.parent import MediaLimits, MediaSource, decode
from echoic.engines.registry import Engines
from echoic.records import Audio, MediaInfo
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

EXAMPLES = Path(__file__).parents[2] / "examples"
FRAME_SAMPLES = 960


class BytesSource:
    """A file in memory that counts how it is read."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)
        self.bytes_read = 0

    async def read_range(self, start: int, length: int) -> bytes:
        assert start >= 0
        assert start + length <= self.size
        self.bytes_read += length
        return self.content[start : start + length]


def _encode(
    container: str,
    codec: str,
    *,
    seconds: float = 3.0,
    rate: int = SAMPLE_RATE,
    layout: str = "mono",
    hertz: float = 440.0,
    delay: Callable[[float], float] | None = None,
    bit_rate: int = 0,
) -> bytes:
    content = io.BytesIO()
    channels = {"mono": 1, "stereo": 2}[layout]
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    samples = np.repeat((tone * 32767).astype(np.int16), channels).reshape(-1, channels)
    with av.open(content, "w", format=container) as output:
        stream = cast(
            "av.audio.stream.AudioStream",
            output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"}),
        )
        if bit_rate:
            stream.bit_rate = bit_rate
        for start in range(0, len(samples), FRAME_SAMPLES):
            part = np.ascontiguousarray(samples[start : start + FRAME_SAMPLES]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
            frame.sample_rate = rate
            frame.time_base = Fraction(1, rate)
            frame.pts = start + round(rate * (delay(start / rate) if delay else 0.0))
            for packet in stream.encode(frame):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return content.getvalue()


LIMITS = MediaLimits(timeout_seconds=60.0, memory_bytes=256 * 1_048_576, max_duration_seconds=3600.0)


async def _decoded(source: MediaSource, limits: MediaLimits) -> tuple[MediaInfo, Audio]:
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    info = await decode(source, limits, on_audio=keep)
    return info, np.frombuffer(bytes(pcm), dtype="<i2").astype(np.float32) / np.float32(32768)


def _example(name: str) -> Audio:
    return asyncio.run(_decoded(BytesSource((EXAMPLES / name).read_bytes()), LIMITS))[1]


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encodes a tone; see ``_encode`` for what it can be asked for."""
    return _encode


@pytest.fixture(scope="session")
def source() -> type[BytesSource]:
    return BytesSource


@pytest.fixture(scope="session")
def decoded() -> Callable[[MediaSource, MediaLimits], Awaitable[tuple[MediaInfo, Audio]]]:
    """Decodes a source to its description and all of its samples."""
    return _decoded


@pytest.fixture(scope="session")
def limits() -> MediaLimits:
    return LIMITS


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """The real engines, with the weights that installed packages carry."""
    folder = tmp_path_factory.mktemp("engines")
    engines = Engines(Settings(data_dir=folder, model_downloads=False))
    yield engines
    engines.close()


@pytest.fixture(scope="session")
def peak_of() -> Callable[[Callable[[], object]], int]:
    """The most memory, in bytes, that Python and numpy held during a call."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@pytest.fixture(scope="session")
def jfk() -> Audio:
    """11 s of one speaker."""
    return _example("jfk.flac")


@pytest.fixture(scope="session")
def conversation() -> Audio:
    """61 s of two speakers."""
    return _example("conversation.flac")
