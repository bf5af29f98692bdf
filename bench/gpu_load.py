"""One measurement of ``bench/gpu.py``: as many processes as files, each with engines of its own, that begin together.

A worker computes likewise: each stage that runs at the same time has a process, and each process its models.
"""

import multiprocessing
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from structlog.testing import capture_logs

from bench.bare_engine import transcribe
from bench.local_file import as_audio
from echoic import errors
from echoic.engines.protocols import DiarizeOptions
from echoic.engines.registry import Engines
from echoic.records import Audio
from echoic.settings import Settings
from echoic.units import MB, SAMPLE_RATE

WINDOW_SECONDS = 30
"""Of Whisper: a batch of eight holds four minutes."""
WARM_SECONDS = 60
"""Audio that is heard before the clock starts, at least; the transcriber hears a whole batch."""
START_SECONDS = 600.0
"""Time in which all processes have to be ready."""
SAMPLE_MILLISECONDS = 100
BLOCK_MB = 64

Task = Literal["transcriber", "diarizer"]


class LoadFailed(Exception):
    """Why there is no figure."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is to be computed."""

    task: Task
    settings: dict[str, Any]
    recordings: tuple[Path, ...]
    """Samples as the decode stage stores them; with several files at once, one for each process, in turn."""
    files: int = 1


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one process did. Times are those of the system's steady clock, which all processes share."""

    started: float
    ended: float
    audio_seconds: float
    peak_mb: float
    fits: int | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    rate: float
    """Seconds of audio, of all files together, for each second that passes."""
    process_mb: float
    """Peak resident memory of all processes together."""
    gpu_mb: int | None
    """Peak memory of the GPU over what was used before; None where it is not known."""
    fits: int | None
    """The batch that was kept, where the one asked for did not fit the GPU's memory."""


def measure(load: Load) -> Measured:
    """Compute, and say what it took. Raises LoadFailed."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(load.files)
    on_gpu = load.settings[f"{load.task}_device"] == "cuda"
    with (
        GpuMemory(on_gpu) as memory,
        ProcessPoolExecutor(load.files, mp_context=context, initializer=_meet, initargs=(barrier,)) as pool,
    ):
        ended = [pool.submit(_compute, load, number) for number in range(load.files)]
        failures = [one.exception() for one in ended]
    for failure in failures:
        if isinstance(failure, BrokenExecutor):
            raise LoadFailed("a process was ended, perhaps for want of memory") from failure
        if failure is not None and not isinstance(failure, BrokenBarrierError):
            raise failure
    if any(failures):
        raise LoadFailed("not all processes were ready in time")
    shares = [one.result() for one in ended]
    seconds = max(one.ended for one in shares) - min(one.started for one in shares)
    return Measured(
        rate=sum(one.audio_seconds for one in shares) / seconds,
        process_mb=sum(one.peak_mb for one in shares),
        gpu_mb=memory.peak_mb,
        fits=min((one.fits for one in shares if one.fits is not None), default=None),
    )


class GpuMemory:
    """Watches the memory of the first GPU, as nvidia-smi tells it."""

    def __init__(self, on_gpu: bool) -> None:
        self._before = gpu_mb("memory.used") if on_gpu else None
        self._peak = self._before or 0

    @property
    def peak_mb(self) -> int | None:
        """Peak over what was used before."""
        return None if self._before is None else self._peak - self._before

    def __enter__(self) -> Self:
        if self._before is not None:
            self._program = subprocess.Popen(
                _nvidia_smi("memory.used", f"--loop-ms={SAMPLE_MILLISECONDS}"), stdout=subprocess.PIPE, text=True
            )
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            self._program.terminate()
            self._program.wait()
            self._reader.join()

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            if line.strip().isdigit():
                self._peak = max(self._peak, int(line))


def gpu_told(what: str) -> str | None:
    """What nvidia-smi says of the first GPU; None where there is no such program or it fails."""
    try:
        said = subprocess.run(_nvidia_smi(what), capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return said.strip() or None


def gpu_mb(what: str) -> int | None:
    told = gpu_told(what)
    return int(told) if told is not None and told.isdigit() else None


def _nvidia_smi(what: str, *more: str) -> list[str]:
    program = shutil.which("nvidia-smi") or "nvidia-smi"
    return [program, "--id=0", f"--query-gpu={what}", "--format=csv,noheader,nounits", *more]


@contextmanager
def little_memory(leave_mb: int) -> Iterator[None]:
    """Hold all memory of the first GPU but so much, in a process of its own. Raises LoadFailed."""
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(leave_mb, held, release), daemon=True)
    holder.start()
    try:
        while not held.wait(1.0):
            if not holder.is_alive():
                raise LoadFailed("the memory of the GPU could not be held")
        yield
    finally:
        release.set()
        holder.join(10)
        holder.kill()


def _hold(leave_mb: int, held: Event, release: Event) -> None:
    # No torch is needed to fill a GPU: arrays of the transcriber's library lie there, too.
    from ctranslate2 import Device, StorageView

    block = np.zeros(BLOCK_MB * MB // 4, dtype=np.float32)
    blocks = [StorageView.from_array(block).to_device(Device.cuda)]
    free = gpu_mb("memory.free") or 0
    blocks += [StorageView.from_array(block).to_device(Device.cuda) for _ in range((free - leave_mb) // BLOCK_MB)]
    held.set()
    release.wait()


_barrier: Barrier


def _meet(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 - how a pool gives its processes what only they may inherit
    _barrier = barrier


def _compute(load: Load, number: int) -> Share:
    recordings = load.recordings if load.files == 1 else (load.recordings[number % len(load.recordings)],)
    settings = Settings(**load.settings)
    engines = Engines(settings)
    hear = partial(_transcribe if load.task == "transcriber" else _diarize, engines)
    warm = max(WARM_SECONDS, settings.transcriber_batch_size * WINDOW_SECONDS)
    audio_seconds = sum(len(samples_of(path)) for path in recordings) / SAMPLE_RATE
    is_ready = False
    try:
        with capture_logs() as logs:
            hear(samples_of(recordings[0])[: warm * SAMPLE_RATE])
            is_ready = True
            _barrier.wait(START_SECONDS)
            started = time.monotonic()
            for path in recordings:
                hear(samples_of(path))
            ended = time.monotonic()
    except errors.EchoicError as error:
        raise LoadFailed(" ".join(f"{error.message} {error.__cause__ or ''}".split())) from error
    finally:
        if not is_ready:
            _barrier.abort()
        engines.close()
    return Share(
        started=started,
        ended=ended,
        audio_seconds=audio_seconds,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB,
        fits=min((line["fits"] for line in logs if line["event"] == "batch_made_smaller"), default=None),
    )


def samples_of(path: Path) -> NDArray[np.int16]:
    return np.fromfile(path, dtype="<i2")


def _transcribe(engines: Engines, samples: NDArray[np.int16]) -> None:
    transcribe(as_audio(samples), engines)


def _diarize(engines: Engines, samples: NDArray[np.int16]) -> None:
    def read(start: float, end: float) -> Audio:
        return as_audio(samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])

    with engines.diarizer.use() as diarizer:
        diarizer.diarize(read, len(samples) / SAMPLE_RATE, options=DiarizeOptions())
