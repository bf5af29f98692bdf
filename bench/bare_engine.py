"""The bare engine of ``bench/transcribe.py``: for each path on standard input, prints the seconds it took."""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echoic.engines.media import MediaLimits, decode
from echoic.engines.pieces import piece_seconds
from echoic.engines.protocols import MAX_PIECE_SECONDS, TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import SAMPLE_RATE, Audio
from echoic.settings import Settings


@dataclass(frozen=True)
class FileSource:
    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    async def read_range(self, start: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


async def decoded(path: Path, settings: Settings) -> Audio:
    parts: list[bytes] = []

    async def keep(pcm: bytes) -> None:
        parts.append(pcm)

    await decode(FileSource(path), MediaLimits.from_settings(settings), on_audio=keep)
    return np.frombuffer(b"".join(parts), dtype="<i2").astype(np.float32) / 32_768.0


def transcribe(audio: Audio, engines: Engines) -> None:
    language = None
    start = 0
    window = round(MAX_PIECE_SECONDS * SAMPLE_RATE)
    while start < len(audio):
        piece = audio[start : start + window]
        if start + window < len(audio):
            with engines.speech_detector.use() as detector:
                piece = piece[: round(piece_seconds(piece, detector, final=False) * SAMPLE_RATE)]
        with engines.transcriber.use() as transcriber:
            language = transcriber.transcribe(piece, options=TranscribeOptions(language=language)).language
        start += len(piece)


def main() -> None:
    settings = Settings(data_dir=Path(sys.argv[1]))
    engines = Engines(settings)
    for line in sys.stdin:
        started = time.monotonic()
        transcribe(asyncio.run(decoded(Path(line.strip()), settings)), engines)
        print(f"{time.monotonic() - started:.3f}", flush=True)


if __name__ == "__main__":
    main()
