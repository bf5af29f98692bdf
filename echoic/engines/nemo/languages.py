"""Guesses the language by Whisper `base`, for models that tell none."""

import threading
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from echoic.engines.failures import translated
from echoic.engines.language_runs import likeliest
from echoic.engines.models.hub import quiet_hub
from echoic.engines.models.nemo import LANGUAGE_GUESSER
from echoic.engines.models.whisper import whisper_dir
from echoic.records import Audio, SpeechSpan
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from faster_whisper import WhisperModel


class LanguageGuesser:
    """Whisper ``base``, loaded when the first language is guessed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._model: WhisperModel | None = None

    def guess(
        self,
        audio: Audio,
        spans: Sequence[SpeechSpan],
        known: Collection[str] | None,
        *,
        among: Collection[str] = (),
    ) -> tuple[str, float]:
        """Guess the likeliest of the ``known`` languages (None: all of Whisper's) in some spans, with its probability.

        Where it is weak, it is the likeliest ``among`` some, if any.
        The probability counts all languages: in a language that is not known, it is low for each that is.
        Raises ``errors.ModelMissing`` and ``errors.EngineFailed``.
        """
        said = [audio[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)] for span in spans]
        model = self._loaded()
        with translated():
            _, _, chances = model.detect_language(np.concatenate(said))
        allowed = [(language, chance) for language, chance in chances if known is None or language in known]
        language, chance = likeliest(allowed, among)
        return str(language), float(chance)

    def close(self) -> None:
        with self._lock:
            self._model = None

    def _loaded(self) -> "WhisperModel":
        with self._lock:
            if self._model is None:
                folder = whisper_dir(self._settings, LANGUAGE_GUESSER)
                quiet_hub(self._settings)
                from faster_whisper import WhisperModel

                with translated("The model that guesses the language could not be loaded."):
                    self._model = WhisperModel(
                        str(folder),
                        device="cpu",
                        compute_type="int8",
                        cpu_threads=self._settings.transcriber_threads,
                        local_files_only=True,
                    )
            return self._model
