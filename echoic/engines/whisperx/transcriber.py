"""Whisper by WhisperX: windows cut by voice activity, decoded in batches, words aligned by a model of the language."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from echoic import errors
from echoic.engines.answers import AnswerMalformed, to_transcription
from echoic.engines.batches import fitting
from echoic.engines.failures import translated
from echoic.engines.language_runs import likeliest
from echoic.engines.models.whisper import whisper_dir
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.silero import find_speech, leveled
from echoic.engines.whisperx.device import INSTALL, held, quiet, relieve_memory, torch_device
from echoic.records import Audio, EngineId, Transcription
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

SENTENCE_DATA = "punkt_tab"
DECODED_SHARE = 0.7
"""Of the work; aligning is the rest."""
TEMPERATURES = [0.0]
"""Higher ones draw lots, so that the same audio would not give the same text again."""


class WhisperXTranscriber:
    """A Whisper model and the aligner of the language spoken last."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        quiet(settings)
        try:
            import whisperx
        except ImportError as error:
            raise errors.ModelMissing(f"WhisperX is not installed; {INSTALL}.") from error
        self.id = engine_id
        self._settings = settings
        self._library = whisperx
        self._batch_size = settings.whisperx_batch_size
        self._aligner: tuple[str, Any] | None = None
        folder = whisper_dir(settings, engine_id.model)
        with translated("WhisperX could not be loaded."):
            self._pipeline: Any = whisperx.load_model(
                str(folder),
                settings.gpu_device,
                device_index=settings.gpu_index,
                compute_type=settings.whisperx_compute_type,
                asr_options={"temperatures": TEMPERATURES},
                local_files_only=True,
                threads=settings.transcriber_threads,
            )

    def transcribe(
        self, audio: Audio, *, options: TranscribeOptions, on_progress: Callable[[float], None] | None = None
    ) -> Transcription:
        if self._pipeline is None:
            raise RuntimeError("The transcriber was closed.")
        report = on_progress or _ignore
        duration_seconds = len(audio) / SAMPLE_RATE
        audio = leveled(audio)
        speech = find_speech(audio)
        answer: dict[str, Any] = {}
        if speech:
            # Its pipeline keeps the language and the prompt of a run in itself, so runs must not mix either.
            with held(self._settings):
                with translated("WhisperX failed on this recording."):
                    answer = self._decode(audio, options)
                report(DECODED_SHARE * duration_seconds)
                with translated("WhisperX's aligner failed on this recording."):
                    answer |= self._align(answer, audio)
        try:
            transcription = to_transcription(
                answer, speech=speech, duration_seconds=duration_seconds, language=options.language
            )
        except AnswerMalformed as error:
            raise errors.EngineFailed(f"What WhisperX answered cannot be used: {error}.") from error
        report(duration_seconds)
        return transcription

    def close(self) -> None:
        self._pipeline = self._aligner = None
        relieve_memory()

    def _decode(self, audio: Audio, options: TranscribeOptions) -> dict[str, Any]:
        language, probability = options.language, 1.0
        if language is None:
            _, _, chances = self._pipeline.model.detect_language(audio)
            language, probability = likeliest(chances, options.languages)
        self._check_language(language)
        self._pipeline.options = replace(
            self._pipeline.options,
            initial_prompt=options.initial_prompt,
            hotwords=" ".join(options.hotwords) or None,
        )
        decoded, self._batch_size = fitting(
            self._batch_size,
            lambda size: self._pipeline.transcribe(audio, batch_size=size, language=language),
            relieve=relieve_memory,
        )
        return dict(decoded) | {"language": language, "language_probability": probability}

    def _align(self, decoded: dict[str, Any], audio: Audio) -> dict[str, Any]:
        """Return the segments with word times; as they are where nobody aligns their language."""
        aligner = self._aligner_of(decoded["language"]) if decoded["segments"] else None
        if aligner is None:
            return {}
        model, metadata = aligner
        try:
            aligned = self._library.align(
                decoded["segments"], model, metadata, audio, torch_device(self._settings), return_char_alignments=False
            )
        except LookupError as error:
            # It splits sentences by data of nltk's, which it fetches where they are missing.
            raise errors.ModelMissing(
                f"nltk's data '{SENTENCE_DATA}' are not on this machine and could not be fetched."
            ) from error
        return {"segments": aligned["segments"]}

    def _aligner_of(self, language: str) -> Any:
        if self._aligner is None or self._aligner[0] != language:
            self._aligner = None
            self._aligner = (language, self._load_aligner(language))
        return self._aligner[1]

    def _load_aligner(self, language: str) -> Any:
        folder = self._settings.models_cache_dir / "align" / language
        if not self._settings.model_downloads and not (folder.is_dir() and _can_split_sentences()):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return self._library.load_align_model(
                language_code=language,
                device=torch_device(self._settings),
                model_dir=str(folder),
                model_cache_only=not self._settings.model_downloads,
            )
        except ValueError:
            # The library's word for a language that it knows no aligner for.
            return None

    def _check_language(self, language: str) -> None:
        if language not in self._pipeline.model.supported_languages:
            raise errors.LanguageUnsupported(f"The transcription model does not know the language '{language}'.")


def _can_split_sentences() -> bool:
    import nltk

    try:
        nltk.data.find(f"tokenizers/{SENTENCE_DATA}")
    except LookupError:
        return False
    return True


def _ignore(_: float) -> None: ...
