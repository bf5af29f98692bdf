"""What the pipeline costs over the bare engine, stage by stage, how soon a stage starts, and what memory it all takes.

    python bench/transcribe.py ../shared/audio/dev/long/long7.flac [--rounds 5] [--hours 4]

Paired rounds: the recording is uploaded to a running server and followed to ``published``, then a warm process decodes
and transcribes the same file with the same settings and nothing around it. Then empty runs measure how long after the
upload's commit the first stage starts, and a long file, the recording joined to itself, is followed for its memory.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import av
import httpx
import psutil

from echoic.processes import computing_environment
from echoic.testing.private_server import PrivateServer

MEGABYTE = 1_048_576
FOLLOW_PATIENCE_SECONDS = 3_600.0
MEMORY_INTERVAL_SECONDS = 0.5
POLL_SECONDS = 0.25
START_SAMPLES = 40
SHORT_SECONDS = 1.0
STAGE_SECONDS = r'echoic_stage_seconds_total\{stage="(\w+)"\} (\S+)'


class PeakMemory:
    """Peak resident memory of a server's process tree, by kind of process, in MB."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peaks: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def take(self) -> dict[str, float]:
        """The peaks since the last call."""
        peaks, self._peaks = self._peaks, {}
        return peaks

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(MEMORY_INTERVAL_SECONDS):
            for process in [self._root, *self._root.children(recursive=True)]:
                try:
                    kind, used = _kind(process.cmdline()), process.memory_info().rss / MEGABYTE
                except psutil.NoSuchProcess:
                    continue
                if kind:
                    self._peaks[kind] = max(self._peaks.get(kind, 0.0), used)


def _kind(command: list[str]) -> str | None:
    for verb, kind in (("serve", "api"), ("worker", "worker"), ("stage-process", "stages")):
        if verb in command:
            return kind
    return "decoder" if "echoic.engines.media.child" in command else None


def upload(client: httpx.Client, path: Path) -> int:
    with path.open("rb") as file:
        answer = client.post("/api/datasets/1/items", files={"audio": (path.name, file)})
    return int(answer.raise_for_status().json()["item_id"])


def follow(client: httpx.Client, item_id: int) -> dict[str, Any]:
    deadline = time.monotonic() + FOLLOW_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        item: dict[str, Any] = client.get(f"/api/items/{item_id}").raise_for_status().json()
        if item["status"] in ("published", "failed", "cancelled"):
            if item["status"] != "published":
                raise SystemExit(f"item {item_id} ended as {item['status']}: {item['error']}")
            return item
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"item {item_id} was not published in time")


def join(source: Path, target: Path, hours: float) -> None:
    """The recording joined to itself until it is long enough, as 16 kHz mono FLAC."""
    wanted = hours * 3600
    done = 0.0
    with av.open(str(target), "w", format="flac") as output:
        stream = output.add_stream("flac", rate=16_000, layout="mono")
        samples = 0
        while done < wanted:
            with av.open(str(source)) as recording:
                resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
                for decoded in recording.decode(audio=0):
                    for frame in resampler.resample(decoded):
                        frame.pts = samples
                        samples += frame.samples
                        output.mux(stream.encode(frame))
            done = samples / 16_000
        output.mux(stream.encode(None))


def silence(target: Path) -> None:
    with av.open(str(target), "w", format="wav") as output:
        stream = output.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=int(16_000 * SHORT_SECONDS))
        frame.sample_rate = 16_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


class BareEngine:
    """A warm process that decodes and transcribes, with nothing around it."""

    def __init__(self, data_dir: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("bare_engine.py")), str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **computing_environment()},
        )

    def run(self, path: Path) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def start_delays(client: httpx.Client, folder: Path) -> list[float]:
    """Milliseconds from the commit of an upload to the start of its first stage, with an idle worker."""
    path = folder / "short.wav"
    silence(path)
    delays = []
    for _ in range(START_SAMPLES):
        item_id = upload(client, path)
        follow(client, item_id)
        delays.append(_start_delay(client, item_id))
    return delays


def _start_delay(client: httpx.Client, item_id: int) -> float:
    from datetime import datetime

    at: dict[str, str] = {}
    text = client.get(f"/api/items/{item_id}/events").raise_for_status().text
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields.get("event") == "stage":
            event = httpx.Response(200, text=fields["data"]).json()
            at.setdefault(event["event"], event["at"])
    delay = datetime.fromisoformat(at["claimed"]) - datetime.fromisoformat(at["queued"])
    return delay.total_seconds() * 1000


def stage_seconds(client: httpx.Client) -> dict[str, float]:
    """What each stage took, all recordings so far together."""
    metrics = client.get("/metrics").raise_for_status().text
    return {stage: float(value) for stage, value in re.findall(STAGE_SECONDS, metrics)}


def print_stages(seconds: dict[str, float], audio_seconds: float) -> float:
    """A table of the stages; returns all of them over transcription alone."""
    print(f"\n{'stage':<12} {'seconds':>8} {'per audio':>10} {'over transcribe':>16}")
    for stage, taken in seconds.items():
        print(f"{stage:<12} {taken:>8.2f} {taken / audio_seconds:>10.5f} {taken / seconds['transcribe']:>16.3f}")
    print(flush=True)
    return sum(seconds.values()) / seconds["transcribe"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hours", type=float, default=4.0, help="length of the long file; 0 leaves it out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        figures = measure(arguments.recording, folder, arguments.rounds, arguments.hours)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


def measure(recording: Path, folder: Path, rounds: int, hours: float) -> dict[str, str]:
    figures: dict[str, str] = {}
    with PrivateServer(folder, ECHOIC_LOG_LEVEL="warning") as server:
        memory = PeakMemory(server.process.pid)
        bare = BareEngine(folder)
        follow(server.client, upload(server.client, recording))
        bare.run(recording)
        memory.take()
        ratios = []
        print(f"{'round':>5} {'pipeline s':>11} {'bare s':>8} {'ratio':>6}")
        for number in range(rounds):
            started = time.monotonic()
            item = follow(server.client, upload(server.client, recording))
            pipeline_seconds = time.monotonic() - started
            bare_seconds = bare.run(recording)
            ratios.append(pipeline_seconds / bare_seconds)
            print(f"{number + 1:>5} {pipeline_seconds:>11.2f} {bare_seconds:>8.2f} {ratios[-1]:>6.3f}", flush=True)
        figures["pipeline_over_bare"] = f"{statistics.median(ratios):.3f}"
        duration = float(item["duration_seconds"])
        short_stages = stage_seconds(server.client)
        figures["pipeline_over_transcribe"] = f"{print_stages(short_stages, duration * (rounds + 1)):.3f}"
        figures["rtf_pipeline"] = f"{pipeline_seconds / duration:.4f}"
        bare.close()
        peaks = memory.take()
        figures["peak_api_mb"] = f"{peaks['api']:.0f}"
        figures["peak_worker_mb"] = f"{peaks['worker'] + peaks['stages']:.0f}"
        delays = sorted(start_delays(server.client, folder))
        figures["start_p50_ms"] = f"{statistics.median(delays):.1f}"
        figures["start_p95_ms"] = f"{delays[int(len(delays) * 0.95) - 1]:.1f}"
        print(f"\ncommit to first stage, {len(delays)} uploads: {delays[0]:.1f} to {delays[-1]:.1f} ms")
        if hours:
            long_file = folder / "long.flac"
            join(recording, long_file, hours)
            per_audio = sum(short_stages.values()) / (duration * (rounds + 1))
            figures |= measure_long(server.client, memory, long_file, per_audio, peaks["worker"] + peaks["stages"])
        memory.close()
    return figures


def measure_long(
    client: httpx.Client, memory: PeakMemory, path: Path, short_seconds: float, short_mb: float
) -> dict[str, str]:
    """What a long file takes over a short one: in time per second of audio, and in memory."""
    memory.take()
    before = stage_seconds(client)
    started = time.monotonic()
    item = follow(client, upload(client, path))
    seconds = time.monotonic() - started
    duration = float(item["duration_seconds"])
    stages = {stage: taken - before[stage] for stage, taken in stage_seconds(client).items()}
    print_stages(stages, duration)
    peaks = memory.take()
    worker_mb = peaks["worker"] + peaks["stages"]
    return {
        "peak_worker_long_mb": f"{worker_mb:.0f}",
        "peak_api_long_mb": f"{peaks['api']:.0f}",
        "long_over_short_memory": f"{worker_mb / short_mb:.3f}",
        "long_over_short_time": f"{sum(stages.values()) / duration / short_seconds:.3f}",
        "rtf_long": f"{seconds / duration:.4f}",
    }


if __name__ == "__main__":
    main()
