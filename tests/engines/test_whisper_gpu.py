"""The transcriber on a GPU, by a stand-in for faster-whisper: no GPU is at hand where tests run."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import faster_whisper
import numpy as np
import pytest
from faster_whisper.transcribe import Segment, Word
from structlog.testing import capture_logs

from echoic import errors
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.whisper import WhisperTranscriber
from echoic.records import Audio, EngineId
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

OPTIONS = TranscribeOptions(language="en", only_clear=True)
WINDOWS = 9
NO_MEMORY = "CUDA failed with error out of memory"
Make = Callable[..., WhisperTranscriber]


class Device:
    """What the stand-in is told, and the batches it was asked for."""

    def __init__(self) -> None:
        self.fits = 64
        self.fails_with = NO_MEMORY
        self.batches: list[int] = []
        self.loaded: dict[str, Any] = {}


def spoken(audio: Audio) -> list[Segment]:
    """A segment of one word for each of nine windows, which lie side by side."""
    seconds = len(audio) / SAMPLE_RATE / WINDOWS
    return [
        Segment(
            id=number,
            seek=0,
            start=number * seconds,
            end=(number + 1) * seconds,
            text=f" w{number}.",
            tokens=[],
            avg_logprob=-0.1,
            compression_ratio=1.0,
            no_speech_prob=0.0,
            words=[Word(number * seconds, (number + 1) * seconds, f" w{number}.", 0.9)],
            temperature=0.0,
        )
        for number in range(WINDOWS)
    ]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device()

    class Model:
        supported_languages = ("en",)
        model = SimpleNamespace(is_multilingual=False)

        def __init__(self, *_: Any, **given: Any) -> None:
            made.loaded = given

        def transcribe(self, audio: Audio, **_: Any) -> tuple[Iterator[Segment], None]:
            return iter(()), None

    class Pipeline:
        def __init__(self, _: Model) -> None: ...

        def transcribe(self, audio: Audio, *, batch_size: int, **_: Any) -> tuple[Iterator[Segment], None]:
            made.batches.append(batch_size)
            return self._lazily(spoken(audio), batch_size), None

        def _lazily(self, segments: list[Segment], batch_size: int) -> Iterator[Segment]:
            # Memory runs out after the first windows were given, as it does where a later batch needs more.
            for number, segment in enumerate(segments):
                if number >= 2 and batch_size > made.fits:
                    raise RuntimeError(made.fails_with)
                yield segment

    monkeypatch.setattr(faster_whisper, "WhisperModel", Model)
    monkeypatch.setattr(faster_whisper, "BatchedInferencePipeline", Pipeline)
    return made


@pytest.fixture
def make(device: Device, tmp_path: Path) -> Make:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")

    def make(batch_size: int, **changes: Any) -> WhisperTranscriber:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path,
            transcriber_model=str(tmp_path),
            transcriber_batch_size=batch_size,
            **changes,
        )
        return WhisperTranscriber(EngineId(name="faster-whisper", model="stand-in", version="0"), settings)

    return make


def test_memory_that_runs_out_halves_the_batch_for_good_and_is_told_once(
    make: Make, device: Device, jfk: Audio
) -> None:
    device.fits = 9
    whisper = make(32)

    with capture_logs() as logs:
        whisper.transcribe(jfk, options=OPTIONS)
        whisper.transcribe(jfk, options=OPTIONS)

    assert device.batches == [32, 16, 8, 8]
    assert [(line["event"], line["asked"], line["fits"]) for line in logs] == [("batch_made_smaller", 32, 8)]


@pytest.mark.parametrize(
    ("asked", "gpus", "taken"), [("cuda", 3, 2), ("auto", 3, 2), ("auto", 0, 0), ("cpu", 3, 0)], ids=str
)
def test_the_gpu_that_is_asked_for_is_taken_and_the_processor_has_no_number(
    make: Make, device: Device, monkeypatch: pytest.MonkeyPatch, *, asked: str, gpus: int, taken: int
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    make(1, transcriber_device=asked, gpu_index=2)
    assert (device.loaded["device"], device.loaded["device_index"]) == (asked, taken)


def test_nothing_is_doubled_and_progress_never_falls(make: Make, device: Device, jfk: Audio) -> None:
    whole = make(4).transcribe(jfk, options=OPTIONS)
    device.fits = 4
    reported: list[float] = []

    found = make(16).transcribe(jfk, options=OPTIONS, on_progress=reported.append)

    assert found == whole
    assert [word.text for segment in found.segments for word in segment.words] == [f"w{n}." for n in range(WINDOWS)]
    assert all(before <= after for before, after in pairwise(reported))
    assert reported[-1] == pytest.approx(len(jfk) / SAMPLE_RATE)


def test_the_word_of_cublas_for_missing_memory_counts_too(make: Make, device: Device, jfk: Audio) -> None:
    device.fits, device.fails_with = 4, "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"

    make(8).transcribe(jfk, options=OPTIONS)

    assert device.batches == [8, 4]


def test_a_device_too_small_for_a_single_window_fails_with_a_word_about_memory(
    make: Make, device: Device, jfk: Audio
) -> None:
    device.fits = 0

    with pytest.raises(errors.EngineFailed, match="memory of the device is too small"):
        make(4).transcribe(jfk, options=OPTIONS)

    assert device.batches == [4, 2, 1]


def test_another_failure_is_no_reason_for_a_smaller_batch(make: Make, device: Device, jfk: Audio) -> None:
    device.fits, device.fails_with = 0, "CUDA failed with error invalid argument"

    with pytest.raises(errors.EngineFailed) as caught:
        make(4).transcribe(jfk, options=OPTIONS)

    assert isinstance(caught.value.__cause__, RuntimeError)
    assert device.batches == [4]


def test_what_a_report_of_progress_raises_reaches_the_caller_as_it_is(make: Make, device: Device, jfk: Audio) -> None:
    class Stop(Exception): ...

    def stop(_: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        make(4).transcribe(jfk, options=OPTIONS, on_progress=stop)

    assert device.batches == [4]


def test_silence_is_not_asked_about(make: Make, device: Device) -> None:
    make(4).transcribe(np.zeros(SAMPLE_RATE, dtype=np.float32), options=OPTIONS)

    assert device.batches == []
