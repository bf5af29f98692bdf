"""Finds who speaks when by a pipeline of pyannote, which needs the whole recording at once, 230 MB an hour."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from echoic import errors
from echoic.engines.batches import fitting
from echoic.engines.failures import translated
from echoic.engines.models import hub
from echoic.engines.models.find import pyannote_named
from echoic.engines.protocols import AudioReader, DiarizeOptions
from echoic.engines.whisperx.device import INSTALL, held, quiet, relieve_memory, torch_device
from echoic.engines.whisperx.turns import to_diarization
from echoic.records import Audio, Diarization, EngineId
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

READ_SECONDS = 600.0
READ_SHARE = 0.1
"""The share of reading in the work; the pipeline is the rest."""
EMBEDDING_BATCH = 32
"""Voices compared at once, the pipeline's own number; halved where the memory is too small."""
MIN_SECONDS = 0.5
"""Shorter recordings have no turns."""


class PyannoteDiarizer:
    """A pipeline by its name on the hub, or a folder with one."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the pipeline.

        Raises:
            errors.ModelMissing: the extra is not installed, the model is neither here nor may be fetched, or it is one
                that the hub gives only by a token and there is none; the message says how to get one.
            errors.EngineFailed: it cannot be loaded.
        """
        quiet(settings)
        try:
            import torch
            from pyannote.audio import Pipeline
        except ImportError as error:
            raise errors.ModelMissing(f"pyannote is not installed; {INSTALL}.") from error
        self.id = engine_id
        self._settings = settings
        self._batch_size = EMBEDDING_BATCH
        folder = _folder(engine_id.model, settings)
        with translated("The pipeline of pyannote could not be loaded."):
            self._pipeline: Any = Pipeline.from_pretrained(str(folder))
            self._pipeline.to(torch.device(torch_device(settings)))

    def diarize(
        self,
        read: AudioReader,
        duration_seconds: float,
        *,
        options: DiarizeOptions,
        on_progress: Callable[[float], None] | None = None,
    ) -> Diarization:
        if self._pipeline is None:
            raise RuntimeError("The diarizer was closed.")
        report = on_progress or _ignore
        audio = _whole(read, duration_seconds)
        report(READ_SHARE * duration_seconds)
        found = Diarization(turns=(), exclusive=(), speakers=())
        # Silence is not asked about: with a number of speakers given, some would be found in it.
        if duration_seconds >= MIN_SECONDS and bool(np.any(audio)):
            with held(self._settings), translated("pyannote failed on this recording."):
                output, self._batch_size = fitting(
                    self._batch_size, lambda size: self._run(audio, options, size), relieve=relieve_memory
                )
                found = to_diarization(
                    _rows(output.speaker_diarization), _rows(output.exclusive_speaker_diarization), duration_seconds
                )
        report(duration_seconds)
        return found

    def close(self) -> None:
        self._pipeline = None
        relieve_memory()

    def _run(self, audio: Audio, options: DiarizeOptions, batch_size: int) -> Any:
        import torch

        self._pipeline.embedding_batch_size = batch_size
        self._pipeline.segmentation_batch_size = batch_size
        return self._pipeline(
            {"waveform": torch.from_numpy(audio[np.newaxis, :]), "sample_rate": SAMPLE_RATE},
            num_speakers=options.num_speakers,
            min_speakers=None if options.num_speakers else options.min_speakers,
            max_speakers=None if options.num_speakers else options.max_speakers,
        )


def _folder(name: str, settings: Settings) -> Path:
    named = Path(name).expanduser()
    if (named / "config.yaml").is_file():
        return named
    model = pyannote_named(name)
    if model.hub is None:
        raise errors.ModelMissing
    return hub.fetch(model.hub, settings, remedy=", or use the diarizer 'onnx', which is installed with Echoic")


def _whole(read: AudioReader, duration_seconds: float) -> Audio:
    audio = np.zeros(round(duration_seconds * SAMPLE_RATE), dtype=np.float32)
    start = 0.0
    while start < duration_seconds:
        part = read(start, min(start + READ_SECONDS, duration_seconds))
        first = round(start * SAMPLE_RATE)
        audio[first : first + len(part)] = part[: len(audio) - first]
        start += READ_SECONDS
    return audio


def _rows(annotation: Any) -> list[tuple[float, float, str]]:
    return [(turn.start, turn.end, label) for turn, _, label in annotation.itertracks(yield_label=True)]


def _ignore(_: float) -> None: ...
