"""Engines without models: deterministic, instant, and bound by the same contract tests as the real ones.

For tests and for trying out the pipeline; nothing they yield means anything.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from echoic.engines.protocols import TextKind, TranscribeOptions
from echoic.records import (
    UNKNOWN_LANGUAGE,
    Audio,
    Embeddings,
    EngineId,
    EntityType,
    Segment,
    Span,
    SpeechSpan,
    Transcription,
    Word,
    milliseconds,
)
from echoic.units import SAMPLE_RATE

VERSION = "1"
TRANSCRIBER_ID = EngineId(name="fake", model="second-hash", version=VERSION)
SPEECH_DETECTOR_ID = EngineId(name="fake", model="energy", version=VERSION)
ENTITY_TAGGER_ID = EngineId(name="fake", model="word-list", version=VERSION)
TEXT_ENCODER_ID = EngineId(name="fake", model="word-hash", version=VERSION)

SILENCE_RMS = 0.003
"""Audio below this level (about -50 dB of full scale) counts as silence."""
FRAME_SECONDS = 0.03
MIN_PAUSE_SECONDS = 0.3
MIN_WORD_SECONDS = 0.2
MAX_SEGMENT_WORDS = 8
DIMENSIONS = 384

NAMES: dict[str, EntityType] = {
    "Margaret": "person",
    "Thornton": "person",
    "Acme": "organization",
    "Globex": "organization",
    "London": "place",
    "Norway": "place",
    "Gizmo": "product",
    "Widget": "product",
}
"""The names that the fake tagger knows; the fake transcriber says these words, too."""

_WORDS = (
    "after again agree amber apple autumn basket before better bridge budget candle castle change copper corner danger"
    " deadline dinner early engine evening farmer flower forest garden gentle harbor honest island jacket kitchen ladder"
    " lantern letter market meadow meeting moment mountain narrow ocean orange paper pencil quiet rabbit record river"
    " school shadow silver simple summer travel valley velvet winter wonder yellow"
)
VOCABULARY = (*NAMES, *_WORDS.split())


class FakeTranscriber:
    """Hears one word in every second that is not silent; which word depends on that second's samples."""

    id = TRANSCRIBER_ID

    def __init__(self, on_piece: Callable[[Audio], None] | None = None) -> None:
        """``on_piece`` is called with each piece before it is transcribed and may raise."""
        self._on_piece = on_piece

    def transcribe(
        self, audio: Audio, *, options: TranscribeOptions, on_progress: Callable[[float], None] | None = None
    ) -> Transcription:
        if self._on_piece is not None:
            self._on_piece(audio)
        words: list[Word] = []
        for second, start in enumerate(range(0, len(audio), SAMPLE_RATE)):
            samples = audio[start : start + SAMPLE_RATE]
            if len(samples) >= MIN_WORD_SECONDS * SAMPLE_RATE and _level(samples) > SILENCE_RMS:
                words.append(_heard(samples, second))
            if on_progress is not None:
                on_progress((start + len(samples)) / SAMPLE_RATE)
        language = options.language or ("en" if words else UNKNOWN_LANGUAGE)
        return Transcription(
            segments=tuple(_segment(group) for group in _groups(words)),
            language=language,
            language_probability=0.0 if language == UNKNOWN_LANGUAGE else 1.0,
        )

    def close(self) -> None: ...


class FakeSpeechDetector:
    """Takes everything that is loud enough for speech."""

    id = SPEECH_DETECTOR_ID

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        frame = int(FRAME_SECONDS * SAMPLE_RATE)
        frames = np.pad(audio, (0, -len(audio) % frame)).reshape(-1, frame)
        loud = np.sqrt(np.mean(np.square(frames), axis=1)) > SILENCE_RMS
        spans: list[tuple[float, float]] = []
        for index in np.flatnonzero(loud).tolist():
            begin, end = index * frame / SAMPLE_RATE, min((index + 1) * frame, len(audio)) / SAMPLE_RATE
            if spans and begin - spans[-1][1] < MIN_PAUSE_SECONDS:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
        return tuple(SpeechSpan(start=milliseconds(start), end=milliseconds(end)) for start, end in spans)

    def detect_faint_speech(
        self,
        audio: Audio,  # noqa: ARG002 - what this detector does not hear is silent
        stretches: Sequence[SpeechSpan],  # noqa: ARG002
    ) -> tuple[SpeechSpan, ...]:
        return ()

    def close(self) -> None: ...


class FakeEntityTagger:
    """Knows the names in ``NAMES`` and no others, in English texts."""

    id = ENTITY_TAGGER_ID
    languages: frozenset[str] | None = frozenset({"en"})

    def tag(self, text: str, language: str | None = None) -> tuple[Span, ...]:  # noqa: ARG002 - it knows but one
        pattern = rf"\b(?:{'|'.join(NAMES)})\b"
        return tuple(
            Span(start=found.start(), end=found.end(), text=found[0], type=NAMES[found[0]])
            for found in re.finditer(pattern, text)
        )

    def close(self) -> None: ...


class FakeTextEncoder:
    """Adds up a fixed random direction for each word: texts are near each other when they share words."""

    id = TEXT_ENCODER_ID
    dimensions = DIMENSIONS
    similarity_floor = 0.2

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:  # noqa: ARG002 - one space for both kinds
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for index, text in enumerate(texts):
            # The empty word keeps a text without words from having no direction at all.
            for word in ["", *re.findall(r"\w+", text.lower())]:
                vectors[index] += _direction(word)
        lengths: Embeddings = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths

    def close(self) -> None: ...


def _level(samples: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")


def _direction(word: str) -> Embeddings:
    return np.random.default_rng(_number(word.encode())).standard_normal(DIMENSIONS, dtype=np.float32)


def _heard(samples: Audio, second: int) -> Word:
    # Coarse steps, so that a rounding difference between two decoders rarely changes the word.
    number = _number(np.round(samples * 64).astype(np.int8).tobytes())
    length = len(samples) / SAMPLE_RATE
    return Word(
        text=VOCABULARY[number % len(VOCABULARY)],
        start=milliseconds(second + 0.1 * length),
        end=milliseconds(second + 0.9 * length),
        score=round(0.5 + (number % 500) / 1000, 3),
    )


def _groups(words: Sequence[Word]) -> list[list[Word]]:
    """Cut at pauses and after ``MAX_SEGMENT_WORDS``."""
    groups = [list(words[:1])] if words else []
    for before, word in pairwise(words):
        if word.start - before.end > 1 or len(groups[-1]) == MAX_SEGMENT_WORDS:
            groups.append([])
        groups[-1].append(word)
    return groups


def _segment(words: Sequence[Word]) -> Segment:
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.text for word in words) + ".",
        words=tuple(words),
        confidence=round(sum(word.score for word in words) / len(words), 3),
        no_speech_probability=0.0,
        compression_ratio=1.0,
    )
