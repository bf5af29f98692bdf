"""Whisper by faster-whisper: two tiers, gap repair, words in order. Knows nothing of files, items or stages.

The fast tier decodes windows of 30 s in batches. The careful one decodes window after window as well, and chooses between
the two texts. Shorter windows, or text without timestamps where windows follow each other, lose more speech than they gain.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from echoic import errors
from echoic.engines import heard
from echoic.engines.batches import fitting
from echoic.engines.failures import translated
from echoic.engines.gap_repair import repair_gaps
from echoic.engines.heard import HeardSegment, HeardWord
from echoic.engines.language_runs import (
    CLEAR_PROBABILITY,
    LIKELY_PROBABILITY,
    WINDOW_SECONDS,
    find_language_runs,
    joined_runs,
    likeliest,
    same_language,
    speech_of,
)
from echoic.engines.machine import device_number
from echoic.engines.models.hub import quiet_hub
from echoic.engines.models.whisper import whisper_dir
from echoic.engines.protocols import TranscribeOptions
from echoic.engines.second_look import heard_otherwise, is_doubtful, look_again, mean_probability
from echoic.engines.second_opinion import SecondOpinion
from echoic.engines.silero import find_speech, leveled
from echoic.engines.two_readings import choose_passages
from echoic.records import Audio, EngineId, LanguageRun, SpeechSpan, Task, Tier, Transcription
from echoic.settings import Settings
from echoic.text.coverage import joined_speech, unread_speech
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

BEAM_SIZE = 5
BATCH_PATIENCE = 1.5
"""A search in a batch ends when ``BEAM_SIZE`` times this many texts are finished. The first to finish are those that leave
out a window's last sentences: with 1.0, more speech is lost than without a beam."""
BATCH_LENGTH_PENALTY = 1.3
"""Exponent of the length by which a text's log probability is divided, in a batch: above 1 longer texts win sooner."""
CAREFUL_VAD = {"min_silence_duration_ms": 500, "speech_pad_ms": 200}
MAX_FRAMES = 3000
"""Whisper's window of 30 s, in frames of its features."""
GUESS_PAD_FRAMES = 500
"""Five seconds of silence after the speech whose language is guessed."""
ONLY_LANGUAGE = "en"
"""The language of models that know a single one."""
MAX_COMPRESSION_RATIO = 2.4
"""Text that packs better than this repeats itself: a loop of the decoder, not what was said (Whisper's own bound)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeOptions:
    """The arguments for faster-whisper, whose calls take 36 of them."""

    vad_filter: bool
    task: Task = "transcribe"
    language: str | None = None
    initial_prompt: str | None = None
    hotwords: str | None = None
    vad_parameters: dict[str, int] | None = None
    batch_size: int | None = None
    """The number of windows decoded at once; None decodes one window after the other."""

    def arguments(self) -> dict[str, Any]:
        """Return keyword arguments of ``transcribe``."""
        arguments: dict[str, Any] = {
            "beam_size": BEAM_SIZE,
            "task": self.task,
            "vad_filter": self.vad_filter,
            "language": self.language,
            "initial_prompt": self.initial_prompt,
            "hotwords": self.hotwords,
            "vad_parameters": dict(self.vad_parameters) if self.vad_parameters else None,
            "word_timestamps": True,
            # The library would try higher ones where a text looks wrong. Those draw lots, so that the same audio would
            # not give the same text again; gap repair decodes such places a second time instead.
            "temperature": [0.0],
            # Off: it spreads the loops that a decoder falls into over the rest of a long recording.
            "condition_on_previous_text": False,
        }
        if self.batch_size is not None:
            arguments |= {
                "batch_size": self.batch_size,
                "patience": BATCH_PATIENCE,
                "length_penalty": BATCH_LENGTH_PENALTY,
            }
        return arguments


class WhisperTranscriber:
    """A Whisper model in this process."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the model; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        self._batch_size = settings.transcriber_batch_size
        self._second_opinion = SecondOpinion(threads=settings.transcriber_threads)
        folder = whisper_dir(settings)
        quiet_hub(settings)
        from faster_whisper import WhisperModel

        with translated("The transcriber's model could not be loaded."):
            self._model: WhisperModel | None = WhisperModel(
                str(folder),
                device=settings.transcriber_device,
                device_index=device_number(settings.transcriber_device, settings.gpu_index),
                compute_type=settings.transcriber_compute_type,
                cpu_threads=settings.transcriber_threads,
                num_workers=1,
                local_files_only=True,
            )

    def transcribe(
        self, audio: Audio, *, options: TranscribeOptions, on_progress: Callable[[float], None] | None = None
    ) -> Transcription:
        self._check_language(options.language)
        report = on_progress or _ignore
        audio = leveled(audio)
        duration_seconds = len(audio) / SAMPLE_RATE
        clear = find_speech(audio)
        speech = clear or self._faint_speech(audio, [], options)
        if not speech:
            # Not asked about silence: Whisper always finds words, even there.
            report(duration_seconds)
            return replace(heard.nothing_said(options.language), speech=())
        language, probability, runs = self._languages(audio, speech, options)

        certain, speech = self._sentences(audio, clear, speech, runs, options=options, report=report)
        for run in runs:
            if not run.certain and run.end - run.start <= WINDOW_SECONDS:
                again = self._decode_otherwise(audio, run, speech, options)
                certain = heard_otherwise(certain, run, heard.in_sentences(again), speech)
        report(duration_seconds)
        return Transcription(
            segments=heard.mark_languages(heard.to_records(heard.in_order(certain, duration_seconds)), language),
            language=language,
            language_probability=probability,
            languages=runs,
            speech=tuple(speech),
        )

    def _sentences(
        self,
        audio: Audio,
        clear: Sequence[SpeechSpan],
        speech: Sequence[SpeechSpan],
        runs: Sequence[LanguageRun],
        *,
        options: TranscribeOptions,
        report: Callable[[float], None],
    ) -> tuple[list[HeardSegment], Sequence[SpeechSpan]]:
        """Read a recording, twice in the careful tier; returns its sentences and where anybody speaks."""
        duration_seconds = len(audio) / SAMPLE_RATE

        def read(tier: Tier, report: Callable[[float], None]) -> tuple[list[HeardSegment], Sequence[SpeechSpan]]:
            return self._read(audio, clear, speech, runs, options=replace(options, tier=tier), report=report)

        if options.tier == "fast":
            return read("fast", report)
        first, spoken = read("fast", lambda seconds: report(seconds / 2))
        second, spoken_then = read("careful", lambda seconds: report((duration_seconds + seconds) / 2))
        both = joined_speech(spoken, spoken_then)
        chosen = heard.in_sentences(heard.in_order(choose_passages(first, second), duration_seconds))
        return [replace(one, doubtful=one.doubtful and is_doubtful(one, both)) for one in chosen], both

    def _read(
        self,
        audio: Audio,
        clear: Sequence[SpeechSpan],
        speech: Sequence[SpeechSpan],
        runs: Sequence[LanguageRun],
        *,
        options: TranscribeOptions,
        report: Callable[[float], None],
    ) -> tuple[list[HeardSegment], Sequence[SpeechSpan]]:
        """Read a recording by one tier, its gaps repaired and its doubtful sentences looked at again."""
        duration_seconds = len(audio) / SAMPLE_RATE

        def decode_again(span: SpeechSpan) -> Sequence[HeardSegment]:
            run = next(run for run in runs if (span.start + span.end) / 2 <= run.end)
            return [_spoken_in(run, segment) for segment in self._decode_span(audio, span, run.language, options)]

        segments: list[HeardSegment] = []
        if clear:
            segments = [
                segment for run in joined_runs(runs) for segment in self._decode_run(audio, run, options, report)
            ]
            speech = joined_speech(clear, self._faint_speech(audio, segments, options))
        repaired = repair_gaps(segments, speech, decode_again, clear=clear)
        sentences = heard.in_sentences(heard.in_order(repaired, duration_seconds))
        return look_again(sentences, speech, duration_seconds, decode_again), speech

    def close(self) -> None:
        self._model = None

    @property
    def _loaded(self) -> "WhisperModel":
        if self._model is None:
            raise RuntimeError("The transcriber was closed.")
        return self._model

    def _check_language(self, language: str | None) -> None:
        # An English-only model would silently take any language for English.
        if language is not None and language not in self._loaded.supported_languages:
            raise errors.LanguageUnsupported(f"The transcription model does not know the language '{language}'.")

    def _tier(self, options: TranscribeOptions) -> DecodeOptions:
        hotwords = " ".join(options.hotwords) or None
        if options.tier == "careful":
            return DecodeOptions(
                vad_filter=True,
                vad_parameters=CAREFUL_VAD,
                task=options.task,
                language=options.language,
                initial_prompt=options.initial_prompt,
                hotwords=hotwords,
            )
        return DecodeOptions(
            vad_filter=True,
            batch_size=self._batch_size,
            task=options.task,
            language=options.language,
            initial_prompt=options.initial_prompt,
            hotwords=hotwords,
        )

    def _faint_speech(
        self, audio: Audio, segments: Sequence[HeardSegment], options: TranscribeOptions
    ) -> Sequence[SpeechSpan]:
        """Find speech to which the detector is deaf, where no words are."""
        if options.only_clear:
            return ()
        whole = SpeechSpan(start=0.0, end=len(audio) / SAMPLE_RATE)
        words = [word for segment in segments for word in segment.words]
        return self._second_opinion.speech(audio, unread_speech(words, [whole]))

    def _languages(
        self, audio: Audio, speech: Sequence[SpeechSpan], options: TranscribeOptions
    ) -> tuple[str, float, tuple[LanguageRun, ...]]:
        """Find the main language, its probability, and the languages over time."""
        duration_seconds = len(audio) / SAMPLE_RATE
        told = options.language if not options.language_is_heard else None
        if told is None and self._loaded.model.is_multilingual:
            expected = options.language

            def guess(spans: Sequence[SpeechSpan]) -> tuple[str, float]:
                return self._guess_language(audio, spans, among=options.languages)

            found = find_language_runs(speech, duration_seconds, guess, expected=expected)
            is_short = duration_seconds <= WINDOW_SECONDS and len(found[2]) == 1
            if expected is None and is_short and found[1] < CLEAR_PROBABILITY:
                return self._heard_with_silence(audio, found, options)
            return found
        language = told or ONLY_LANGUAGE
        return language, 1.0, (LanguageRun(start=0.0, end=duration_seconds, language=language),)

    def _heard_with_silence(
        self, audio: Audio, found: tuple[str, float, tuple[LanguageRun, ...]], options: TranscribeOptions
    ) -> tuple[str, float, tuple[LanguageRun, ...]]:
        """Return the language of a short recording with its silence, where that is another one and its text is likelier.

        A sentence by itself gives little to guess by, and what is left out around it may change the guess.
        """
        language, _, (run,) = found
        whole = SpeechSpan(start=0.0, end=len(audio) / SAMPLE_RATE)
        other, probability = self._guess_language(audio, [whole], among=options.languages)
        if same_language(other, language):
            return found
        likely = {}
        for each in (language, other):
            words = [word for segment in self._decode_span(audio, whole, each, options) for word in segment.words]
            likely[each] = mean_probability(words) if words else 0.0
        if likely[other] <= likely[language]:
            return found
        return other, probability, (replace(run, language=other, certain=probability >= LIKELY_PROBABILITY),)

    def _guess_language(
        self, audio: Audio, spans: Sequence[SpeechSpan], *, among: Collection[str] = ()
    ) -> tuple[str, float]:
        """Return the language of some speech and its probability, as ``likeliest`` has it.

        The encoder hears the speech and ``GUESS_PAD_FRAMES`` after it, not the 30 s that it is made for: the same
        languages are found, in a tenth of the time.
        """
        said = [audio[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)] for span in spans]
        model = self._loaded
        with translated():
            features = model.feature_extractor(np.concatenate(said))[:, :MAX_FRAMES]
            padded = np.pad(features, ((0, 0), (0, min(GUESS_PAD_FRAMES, MAX_FRAMES - features.shape[1]))))
            found = model.model.detect_language(model.encode(padded))[0]
        return likeliest(((token.strip("<|>"), float(chance)) for token, chance in found), among)

    def _decode_run(
        self, audio: Audio, run: LanguageRun, options: TranscribeOptions, report: Callable[[float], None]
    ) -> list[HeardSegment]:
        part = audio[round(run.start * SAMPLE_RATE) : round(run.end * SAMPLE_RATE)]
        tier = replace(self._tier(options), language=run.language)
        found = self._decode(part, tier, lambda seconds: report(run.start + seconds))
        return [_spoken_in(run, heard.shifted(segment, run.start)) for segment in found]

    def _decode_otherwise(
        self, audio: Audio, run: LanguageRun, speech: Sequence[SpeechSpan], options: TranscribeOptions
    ) -> list[HeardSegment]:
        """Decode a run in the language that it is likeliest in by itself; nothing if that is its own."""
        spoken = speech_of(run, speech)
        language = self._guess_language(audio, spoken, among=options.languages)[0] if spoken else run.language
        if same_language(language, run.language):
            return []
        found = self._decode_span(audio, SpeechSpan(start=run.start, end=run.end), language, options)
        return [replace(segment, language=language) for segment in heard.in_order(found, run.end)]

    def _decode_span(
        self, audio: Audio, span: SpeechSpan, language: str, options: TranscribeOptions
    ) -> Sequence[HeardSegment]:
        part = audio[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)]
        decode = DecodeOptions(
            vad_filter=False,
            task=options.task,
            language=language,
            initial_prompt=options.initial_prompt,
            hotwords=" ".join(options.hotwords) or None,
        )
        return [heard.shifted(segment, span.start) for segment in self._decode(part, decode, _ignore)]

    def _decode(self, audio: Audio, decode: DecodeOptions, report: Callable[[float], None]) -> list[HeardSegment]:
        """Decode audio, in batches that become smaller for good where the device has too little memory."""
        done_seconds = 0.0

        def advance(seconds: float) -> None:
            # Never back, although a batch that did not fit is followed by a start from the beginning.
            nonlocal done_seconds
            done_seconds = max(done_seconds, min(seconds, len(audio) / SAMPLE_RATE))
            report(done_seconds)

        def decode_by(batch_size: int | None) -> list[HeardSegment]:
            return self._decode_once(audio, replace(decode, batch_size=batch_size), advance)

        if decode.batch_size is None:
            return decode_by(None)
        # What a failed try leaves in cycles may hold memory of the device.
        segments, self._batch_size = fitting(decode.batch_size, decode_by, relieve=gc.collect)
        return segments

    def _decode_once(self, audio: Audio, decode: DecodeOptions, advance: Callable[[float], None]) -> list[HeardSegment]:
        from faster_whisper import BatchedInferencePipeline

        # The batched pipeline carries state from call to call, so each gets its own; it holds no weights.
        decoder = self._loaded if decode.batch_size is None else BatchedInferencePipeline(self._loaded)
        with translated():
            lazy, _ = decoder.transcribe(audio, **decode.arguments())
        segments = []
        for segment in _consumed(lazy):
            if segment.compression_ratio <= MAX_COMPRESSION_RATIO:
                segments.append(_heard(segment))
            advance(segment.end)
        return segments


def _consumed(lazy: "Iterable[Segment]") -> "Iterator[Segment]":
    """Yield the segments of a lazy transcription, whose work happens, and fails, while it is iterated."""
    iterator = iter(lazy)
    while True:
        with translated():
            segment = next(iterator, None)
        if segment is None:
            return
        yield segment


def _spoken_in(run: LanguageRun, segment: HeardSegment) -> HeardSegment:
    return replace(segment, language=run.language)


def _heard(segment: "Segment") -> HeardSegment:
    return HeardSegment(
        words=tuple(
            HeardWord(text=word.word, start=word.start, end=word.end, probability=word.probability)
            for word in segment.words or ()
        ),
        no_speech_probability=segment.no_speech_prob,
        compression_ratio=segment.compression_ratio,
        mean_log_probability=segment.avg_logprob,
    )


def _ignore(_: float) -> None: ...
