"""Parakeet and Canary by onnx-asr: windows of speech, words from tokens, languages guessed by Whisper."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from echoic import errors
from echoic.engines import heard, told
from echoic.engines.failures import translated
from echoic.engines.heard import HeardSegment
from echoic.engines.language_runs import find_language_runs, joined_runs, speech_of
from echoic.engines.languages import NAMES
from echoic.engines.models.find import nemo_named
from echoic.engines.models.nemo import is_quantized
from echoic.engines.models.nemo_dir import nemo_dir
from echoic.engines.nemo.languages import LanguageGuesser
from echoic.engines.nemo.tokens import (
    Token,
    compression_ratio,
    is_control,
    spread_over,
    to_words,
    told_probabilities,
)
from echoic.engines.nemo.windows import Window, cut_into_windows
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.silero import find_speech, leveled
from echoic.records import (
    Audio,
    EngineId,
    LanguageRun,
    SpeechSpan,
    Transcription,
    TranscriptionLimit,
)
from echoic.settings import Settings
from echoic.units import SAMPLE_RATE

KINDS = ("nemo-conformer-tdt", "nemo-conformer-rnnt", "nemo-conformer-ctc", "nemo-conformer-aed")
UNTIMED = "nemo-conformer-aed"
"""The kind of Canary, whose decoder tells no times."""
TIMED_WINDOW_SECONDS = 30.0
"""The models were trained on recordings of up to 40 s, and memory grows with the square of the length."""
UNTIMED_WINDOW_SECONDS = 15.0
"""Shorter, since words are placed within their window by their letters alone."""
MARGIN_SECONDS = 0.2
"""The audio that a window keeps on either side of its speech, where its neighbors leave room."""
MIN_INPUT_SECONDS = 1.0
"""Shorter audio is filled up with silence."""
MAX_COMPRESSION_RATIO = 2.4
"""Text that packs better repeats itself: a loop, into which Canary's decoder may fall as Whisper's does."""
MIN_HALVED_SECONDS = 4.0
"""A window with such a text is transcribed again in halves, unless it is shorter than this."""


class NemoTranscriber:
    """One of NeMo's models in this process."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        folder = nemo_dir(settings, engine_id.model)
        kind = _kind(folder)
        import onnx_asr
        import onnxruntime

        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = settings.transcriber_threads
        with translated("The transcriber's model could not be loaded."):
            self._model: Any = onnx_asr.load_model(
                kind,
                folder,
                quantization="int8" if is_quantized(settings) else None,
                sess_options=session,
                providers=["CPUExecutionProvider"],
            ).with_timestamps()
        self._is_timed = kind != UNTIMED
        known = nemo_named(engine_id.model, settings).languages
        self._known = known or (None if self._is_timed else _languages_of(folder))
        self._guesser = LanguageGuesser(settings)

    def transcribe(
        self, audio: Audio, *, options: TranscribeOptions, on_progress: Callable[[float], None] | None = None
    ) -> Transcription:
        if self._model is None:
            raise RuntimeError("The transcriber was closed.")
        if options.language is not None and self._known is not None and options.language not in self._known:
            raise errors.LanguageUnsupported(
                f"The transcription model '{self.id.model}' does not know the language '{options.language}'; it knows"
                f" {', '.join(sorted(self._known))}."
            )
        report = on_progress or _ignore
        audio = leveled(audio)
        duration_seconds = len(audio) / SAMPLE_RATE
        speech = find_speech(audio)
        if not speech:
            report(duration_seconds)
            return heard.nothing_said(options.language)
        language, probability, runs = self._languages(audio, speech, options)
        found = [segment for run in joined_runs(runs) for segment in self._transcribe_run(audio, run, speech, report)]
        report(duration_seconds)
        records = told.to_records(heard.in_order(found, duration_seconds), duration_seconds)
        return Transcription(
            segments=heard.mark_languages(records, language),
            language=language,
            language_probability=probability,
            languages=runs,
            limits=tuple(self._limits(options)),
        )

    def close(self) -> None:
        self._model = None
        self._guesser.close()

    def _limits(self, options: TranscribeOptions) -> Iterator[TranscriptionLimit]:
        if options.initial_prompt or options.hotwords:
            yield "vocabulary_not_used"
        if not self._is_timed:
            yield "word_times_estimated"

    def _languages(
        self, audio: Audio, speech: Sequence[SpeechSpan], options: TranscribeOptions
    ) -> tuple[str, float, tuple[LanguageRun, ...]]:
        """Find the main language, its probability, and the languages over time."""
        asked = options.language if not options.language_is_heard else None
        only = next(iter(self._known)) if self._known and len(self._known) == 1 else None
        if (certain := asked or only) is not None:
            run = LanguageRun(start=0.0, end=len(audio) / SAMPLE_RATE, language=certain)
            return certain, 1.0, (run,)

        def guess(spans: Sequence[SpeechSpan]) -> tuple[str, float]:
            return self._guesser.guess(audio, spans, self._known, among=options.languages)

        return find_language_runs(speech, len(audio) / SAMPLE_RATE, guess, expected=options.language)

    def _transcribe_run(
        self, audio: Audio, run: LanguageRun, speech: Sequence[SpeechSpan], report: Callable[[float], None]
    ) -> Iterator[HeardSegment]:
        most_seconds = TIMED_WINDOW_SECONDS if self._is_timed else UNTIMED_WINDOW_SECONDS
        windows = cut_into_windows(audio, speech_of(run, speech), most_seconds)
        for index, window in enumerate(windows):
            earliest = windows[index - 1][-1].end if index else run.start
            latest = windows[index + 1][0].start if index + 1 < len(windows) else run.end
            around = SpeechSpan(
                start=max(min(earliest, window[0].start), window[0].start - MARGIN_SECONDS),
                end=min(max(latest, window[-1].end), window[-1].end + MARGIN_SECONDS),
            )
            yield from self._transcribe_window(audio, window, around, run.language)
            report(window[-1].end)

    def _transcribe_window(
        self, audio: Audio, window: Window, around: SpeechSpan, language: str
    ) -> Iterator[HeardSegment]:
        part = audio[round(around.start * SAMPLE_RATE) : round(around.end * SAMPLE_RATE)]
        missing = round(MIN_INPUT_SECONDS * SAMPLE_RATE) - len(part)
        if missing > 0:
            part = np.pad(part, (0, missing))
        with translated():
            # A copy: the library works in the array that it is given. Transducers pass over the language.
            result = self._model.recognize(part.copy(), sample_rate=SAMPLE_RATE, language=language)
        probabilities = told_probabilities(result.logprobs, len(result.tokens or ()))
        if not self._is_timed and compression_ratio(result.text) > MAX_COMPRESSION_RATIO:
            yield from self._transcribe_halves(audio, window, language)
            return
        if result.timestamps is None:
            mean = sum(probabilities) / len(probabilities) if probabilities else told.NOT_TOLD
            words = spread_over(result.text, window, mean)
        else:
            tokens = [
                Token(text=text, start=around.start + start, probability=probability)
                for text, start, probability in zip(result.tokens, result.timestamps, probabilities, strict=True)
                if not is_control(text)
            ]
            words = to_words(tokens, around.end)
        if words:
            yield HeardSegment(
                words=tuple(words),
                no_speech_probability=told.NOT_TOLD,
                compression_ratio=told.NOT_TOLD,
                mean_log_probability=told.NOT_TOLD,
                language=language,
            )

    def _transcribe_halves(self, audio: Audio, window: Window, language: str) -> Iterator[HeardSegment]:
        """Transcribe a window whose text is a loop in halves; a short one that loops has no text."""
        seconds = window[-1].end - window[0].start
        if seconds < MIN_HALVED_SECONDS:
            return
        for half in cut_into_windows(audio, window, seconds / 2):
            yield from self._transcribe_window(audio, half, SpeechSpan(start=half[0].start, end=half[-1].end), language)


def _kind(folder: Path) -> str:
    """Return the kind of model that a folder says it holds. Raises ``errors.ModelMissing``."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise errors.ModelMissing("The folder of the transcriber model has no config.json that can be read.") from error
    if kind not in KINDS:
        raise errors.ModelMissing(
            f"The config.json of the transcriber model names the type '{kind}'; it must be one of: {', '.join(KINDS)}."
        )
    return str(kind)


def _languages_of(folder: Path) -> frozenset[str]:
    """Return the languages that the vocabulary of a model of Canary's kind has a mark for, such as ``<|de|>``."""
    marks = [line.split(" ")[0] for line in (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()]
    inner = [mark[2:-2] for mark in marks if mark.startswith("<|") and mark.endswith("|>")]
    return frozenset(inner) & NAMES.keys()


def _ignore(_: float) -> None: ...
