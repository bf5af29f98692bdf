"""What each kind of engine does: one protocol per task, records in and out.

An engine is loaded when it is constructed and gives its memory back in ``close``; ``EngineLease`` decides when. Its
methods are blocking, may be called from several threads, and raise ``errors.EngineFailed`` where the library fails.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from echoic.records import Audio, Embeddings, EngineId, Span, SpeechSpan, Transcription

Tier = Literal["fast", "careful"]
TextKind = Literal["query", "passage"]

MAX_PIECE_SECONDS = 600.0
"""Longest audio a transcriber is given at once: its memory grows with the length (about 0.06 GB a minute)."""


class Engine(Protocol):
    """A loaded model."""

    @property
    def id(self) -> EngineId: ...

    def close(self) -> None:
        """Give the memory back; the engine is not used again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscribeOptions:
    """How one piece of audio is to be transcribed."""

    language: str | None = None
    """ISO 639-1 code of what is spoken; None detects it."""
    tier: Tier = "fast"
    """``careful`` takes about twice the time and loses fewer sentences where accents are strong."""
    initial_prompt: str | None = None
    """Text the recording may be thought to follow: sets spelling and style."""
    hotwords: tuple[str, ...] = ()
    """Names and terms that are likely to be said."""


class Transcriber(Engine, Protocol):
    """Turns speech into segments and words."""

    def transcribe(
        self,
        audio: Audio,
        *,
        options: TranscribeOptions,
        on_progress: Callable[[float], None] | None = None,
    ) -> Transcription:
        """Transcribe one piece of at most ``MAX_PIECE_SECONDS``; times count from its start.

        Words do not overlap, lie within their segment, and end where the audio ends at the latest; segments are in
        order. Audio without speech yields no segments. The same audio and options give the same words again.
        ``on_progress`` gets the seconds of audio done so far, rising up to the audio's length; what it raises ends the
        transcription and reaches the caller unchanged.
        Raises ``errors.LanguageUnsupported`` and ``errors.EngineFailed``.
        """
        ...


class SpeechDetector(Engine, Protocol):
    """Finds where somebody speaks."""

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        """Stretches of speech in order, not touching; a pause of 0.3 s or more ends a stretch."""
        ...


class EntityTagger(Engine, Protocol):
    """Finds the people, organizations, places and products that a text names."""

    def tag(self, text: str) -> tuple[Span, ...]:
        """Entities in order, without overlap, of a text of any length; case and punctuation matter to it."""
        ...


class TextEncoder(Engine, Protocol):
    """Turns texts into vectors whose cosine says how near their meanings are."""

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:
        """One vector a text, in their order, shape (len(texts), dimensions).

        ``kind`` says whether the texts are searched for or searched in; some models treat the two differently.
        """
        ...
