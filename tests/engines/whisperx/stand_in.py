"""Stand-ins for the libraries of the extra, with the signatures of WhisperX 3.8.6 and pyannote.audio 4.0.7.

Neither they, nor torch, nor a model of theirs can be had where the tests run.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from echoic.engines.fake import FakeTranscriber
from echoic.engines.fake_diarization import FakeDiarizer
from echoic.engines.protocols import DiarizeOptions, TranscribeOptions
from echoic.engines.whisperx.diarizer import PyannoteDiarizer
from echoic.engines.whisperx.transcriber import WhisperXTranscriber
from echoic.records import Audio, EngineId
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE


@dataclass
class Library:
    """What the stand-ins are told to do, and what they saw."""

    fits: int = 1000
    """Largest batch that the device has memory for."""
    fail: Exception | None = None
    loaded: list[dict[str, Any]] = field(default_factory=list)
    aligners: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    options: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    telemetry: dict[str, str | None] = field(default_factory=dict)

    def check(self, batch_size: int) -> None:
        self.batches.append(batch_size)
        if self.fail is not None:
            raise self.fail
        if batch_size > self.fits:
            raise RuntimeError("CUDA failed with error out of memory")


@dataclass
class Options:
    initial_prompt: str | None = None
    hotwords: str | None = None


class Pipeline:
    """As ``FasterWhisperPipeline``."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.options = Options()
        self.model = SimpleNamespace(
            supported_languages=["de", "en"], detect_language=lambda _: ("en", 0.75, [("en", 0.75)])
        )

    def transcribe(self, audio: Audio, *, batch_size: int, language: str) -> dict[str, Any]:
        assert audio.dtype == np.float32
        self._library.check(batch_size)
        self._library.options.append(self.options)
        found = FakeTranscriber().transcribe(audio, options=TranscribeOptions(language=language))
        segments = [
            {"text": f" {one.text}", "start": one.start, "end": one.end, "avg_logprob": -0.2} for one in found.segments
        ]
        return {"segments": segments, "language": language}


class PyannotePipeline:
    """As pyannote's ``SpeakerDiarization``."""

    embedding_batch_size = 32
    segmentation_batch_size = 32

    def __init__(self, library: Library) -> None:
        self._library = library

    def to(self, device: str) -> "PyannotePipeline":
        self._library.loaded.append({"device": device})
        return self

    def __call__(self, file: dict[str, Any], **numbers: int | None) -> SimpleNamespace:
        self._library.check(self.embedding_batch_size)
        self._library.asked.append(numbers)
        assert file["sample_rate"] == SAMPLE_RATE
        audio = file["waveform"][0]
        found = FakeDiarizer().diarize(
            lambda start, end: audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)],
            len(audio) / SAMPLE_RATE,
            options=DiarizeOptions(**numbers),
        )
        # Other labels than ours, in another order.
        rows = [(SimpleNamespace(start=one.start, end=one.end), "track", f"x{one.speaker}") for one in found.turns]
        annotation = SimpleNamespace(itertracks=lambda **_: iter(rows))
        return SimpleNamespace(speaker_diarization=annotation, exclusive_speaker_diarization=annotation)


def install(library: Library, patch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins where the libraries would be."""

    def load_model(whisper_arch: str, device: str, **given: Any) -> Pipeline:
        library.telemetry = {
            name: os.environ.get(name)
            for name in ("PYANNOTE_METRICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "OTEL_SDK_DISABLED")
        }
        library.loaded.append({"model": whisper_arch, "device": device} | given)
        return Pipeline(library)

    def load_align_model(*, language_code: str, device: str, model_dir: str, model_cache_only: bool) -> Any:
        library.aligners.append(language_code)
        if language_code == "de":
            raise ValueError("No default align-model for language: de")
        return "aligner", {"language": language_code}

    def align(
        segments: list[dict[str, Any]], model: str, metadata: dict[str, str], audio: Audio, device: str, **_: Any
    ) -> dict[str, Any]:
        assert model == "aligner"
        return {"segments": [_aligned(segment) for segment in segments], "word_segments": []}

    modules: dict[str, dict[str, Any]] = {
        "whisperx": {"load_model": load_model, "load_align_model": load_align_model, "align": align},
        "torch": {
            "cuda": SimpleNamespace(is_available=lambda: False),
            "device": str,
            "from_numpy": lambda array: array,
        },
        "pyannote": {},
        "pyannote.audio": {"Pipeline": SimpleNamespace(from_pretrained=lambda _: PyannotePipeline(library))},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        patch.setitem(sys.modules, name, module)
    for name in ("PYANNOTE_METRICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY", "OTEL_SDK_DISABLED"):
        patch.delenv(name, raising=False)


def load_whisperx(folder: Path, **changes: Any) -> WhisperXTranscriber:
    """The engine on a converted model in this folder."""
    model = folder / "large"
    model.mkdir(exist_ok=True)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (model / name).write_bytes(b"{}")
    settings = Settings(_env_file=None, data_dir=folder, whisperx_model=str(model)).model_copy(update=changes)
    return WhisperXTranscriber(EngineId(name="whisperx", model=settings.whisperx_model, version="3.8.6"), settings)


def load_pyannote(folder: Path, model: str | None = None, **changes: Any) -> PyannoteDiarizer:
    """The engine on a pipeline in this folder, or on another one by name."""
    pipeline = folder / "pipeline"
    pipeline.mkdir(exist_ok=True)
    (pipeline / "config.yaml").write_bytes(b"{}")
    engine_id = EngineId(name="pyannote", model=model or str(pipeline), version="4.0.7")
    return PyannoteDiarizer(engine_id, Settings(_env_file=None, data_dir=folder).model_copy(update=changes))


def _aligned(segment: dict[str, Any]) -> dict[str, Any]:
    """As the aligner does it: words take their time by their letters, every fifth has none."""
    texts = segment["text"].split()
    step = (segment["end"] - segment["start"]) / len(texts)
    words: list[dict[str, Any]] = []
    for number, text in enumerate(texts):
        start = segment["start"] + number * step
        times = {} if number % 5 == 4 else {"start": start, "end": start + 0.8 * step, "score": 0.9}
        words.append({"word": text} | times)
    return segment | {"words": words}
