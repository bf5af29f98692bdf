"""The bare engine of ``bench/transcribe.py``: for each path on standard input, prints the seconds it took."""

import sys
import time
from pathlib import Path

from bench.local_file import as_audio, decoded_samples
from bench.pieces import cut_into_pieces
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.registry import Engines
from echoic.records import Audio
from echoic.settings import Settings


def transcribe(audio: Audio, engines: Engines) -> None:
    language = None
    with engines.speech_detector.use() as detector, engines.transcriber.use() as transcriber:
        for piece in cut_into_pieces([audio], detector):
            language = transcriber.transcribe(piece.audio, options=TranscribeOptions(language=language)).language


def main() -> None:
    settings = Settings(data_dir=Path(sys.argv[1]))
    engines = Engines(settings)
    for line in sys.stdin:
        started = time.monotonic()
        transcribe(as_audio(decoded_samples(Path(line.strip()), settings)), engines)
        print(f"{time.monotonic() - started:.3f}", flush=True)


if __name__ == "__main__":
    main()
