"""OpenAI's route against the bare engine: how much longer than faster-whisper by itself does a short clip take?

    python -m bench.openai_route [--rounds 9] [--clip examples/jfk.flac]

The bare engine is faster-whisper with the server's own weights and its own defaults, in this process, which decodes the file, too.
Each round takes the bare engine once and the route once, one after the other, so that what else the machine does hits both alike;
the medians of the rounds' ratios and differences count. Each request sends another recording (one sample differs), since
the same one would get the result of the first. Further figures: the first clip of a server that has just loaded its
engines ahead, and four requests at once against four in a row.

The last line: ``short_over_bare`` and ``short_overhead_ms`` (route less bare), ``cold_s``, ``four_over_row``.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import decode_audio
from numpy.typing import NDArray

from echoic.engines.models.whisper import whisper_dir
from echoic.settings import Settings
from echoic.testing.private_server import PrivateServer
from echoic.units import SAMPLE_RATE

AT_ONCE = 4
LOADED = "engines_loaded_ahead"
PATIENCE_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 0.05
BEAM_SIZE = 5


def variants(clip: Path) -> Iterator[bytes]:
    """Yield WAV files of the clip, each with another first sample."""
    samples: NDArray[np.int16] = (np.clip(decode_audio(str(clip), SAMPLE_RATE), -1, 1) * 32767).astype("<i2")
    for number in count(1):
        samples[0] = number
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
        yield content.getvalue()


def seconds_of(act: Callable[[], Any]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started


def bare_engine(data_dir: Path) -> Callable[[bytes], None]:
    """Load faster-whisper as the server's settings have it; returns what transcribes a file."""
    settings = Settings(data_dir=data_dir)
    model = WhisperModel(
        str(whisper_dir(settings)),
        device=settings.transcriber_device,
        compute_type=settings.transcriber_compute_type,
        cpu_threads=settings.transcriber_threads,
        local_files_only=True,
    )

    def transcribe(recording: bytes) -> None:
        segments, _ = model.transcribe(io.BytesIO(recording), beam_size=BEAM_SIZE)
        assert " ".join(segment.text for segment in segments)

    return transcribe


def ask(server: PrivateServer, recording: bytes) -> str:
    answer = server.client.post(
        "/v1/audio/transcriptions",
        files={"file": ("clip.wav", recording)},
        data={"model": "whisper-1"},
        timeout=PATIENCE_SECONDS,
    )
    text: str = answer.raise_for_status().json()["text"]
    assert text
    return text


def until_quiet(server: PrivateServer) -> None:
    """Wait until nothing is at work: stages that nobody waits for must not hit the bare engine."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(item["status"] != "published" for item in server.client.get("/api/items").json()["items"]):
        assert time.monotonic() < deadline
        time.sleep(LOOK_AGAIN_SECONDS)


def until_loaded(server: PrivateServer) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while LOADED not in server.log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, "the engines were not loaded ahead"
        time.sleep(LOOK_AGAIN_SECONDS)


def measure(data_dir: Path, clip: Path, rounds: int) -> dict[str, str]:
    recordings = variants(clip)
    bare = bare_engine(data_dir)
    bare(next(recordings))
    with PrivateServer(data_dir, ECHOIC_ENGINES_LOAD_AHEAD="true") as server:
        until_loaded(server)
        first = next(recordings)
        cold = seconds_of(lambda: ask(server, first))
        pairs = []
        for _ in range(rounds):
            until_quiet(server)
            recording = next(recordings)
            of_bare = seconds_of(lambda recording=recording: bare(recording))  # type: ignore[misc]
            of_route = seconds_of(lambda recording=recording: ask(server, recording))  # type: ignore[misc]
            pairs.append((of_bare, of_route))
            print(f"bare {of_bare:.3f} s, route {of_route:.3f} s", flush=True)
        row, together = four(server, recordings), four_at_once(server, recordings)
    print(
        f"four in a row {row:.2f} s, four at once {together:.2f} s; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return {
        "short_over_bare": f"{statistics.median(route / bare for bare, route in pairs):.2f}",
        "short_overhead_ms": f"{1000 * statistics.median(route - bare for bare, route in pairs):.0f}",
        "cold_s": f"{cold:.2f}",
        "four_over_row": f"{together / row:.2f}",
    }


def four(server: PrivateServer, recordings: Iterator[bytes]) -> float:
    until_quiet(server)
    chosen = [next(recordings) for _ in range(AT_ONCE)]
    return seconds_of(lambda: [ask(server, each) for each in chosen])


def four_at_once(server: PrivateServer, recordings: Iterator[bytes]) -> float:
    until_quiet(server)
    chosen = [next(recordings) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return seconds_of(lambda: list(pool.map(lambda each: ask(server, each), chosen)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clip", type=Path, default=Path("examples/jfk.flac"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        Path(name).chmod(0o711)
        figures = measure(Path(name), given.clip, given.rounds)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
