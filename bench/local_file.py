"""A recording on this machine through the real decoder, for the benches that measure what comes after it."""

import asyncio
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echoic.engines.media import parent as media
from echoic.engines.media.parent import MediaLimits, decode
from echoic.processes import HUGE_PAGES, computing_environment
from echoic.records import Audio
from echoic.settings import Settings

DEV_AUDIO = Path(__file__).parents[2] / "shared" / "audio" / "dev"
"""The development recordings, beside the checkout."""


def as_stage_process() -> None:
    """Start this program again in the environment that a worker gives its stage process, unless it is in it."""
    if HUGE_PAGES not in os.environ.get("GLIBC_TUNABLES", ""):
        os.execve(  # noqa: S606 - this program itself
            sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **computing_environment()}
        )


class FileSource:
    """A file on this machine as the decoder reads it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._descriptor).st_size

    async def read_range(self, start: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, start)

    def close(self) -> None:
        os.close(self._descriptor)


def decoded_samples(path: Path, settings: Settings) -> NDArray[np.int16]:
    """The recording as the decode stage stores it."""
    pcm = bytearray()

    async def keep(window: bytes) -> None:
        pcm.extend(window)

    source = FileSource(path)
    try:
        asyncio.run(decode(source, MediaLimits.from_settings(settings), on_audio=keep))
    finally:
        source.close()
    return np.frombuffer(bytes(pcm), dtype="<i2")


def as_audio(samples: NDArray[np.int16]) -> Audio:
    """Stored samples as the engines take them."""
    return media.as_audio(samples.tobytes())
