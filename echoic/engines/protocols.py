"""The protocols of engines: one per task, with records in and out.

An engine is loaded when it is constructed and gives its memory back in ``close``; ``EngineLease`` decides when. Its
methods are blocking, may be called from several threads, and raise ``errors.EngineFailed`` where the library fails.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol, TypeAlias

from echoic.records import (
    Audio,
    Diarization,
    Embeddings,
    EngineId,
    Span,
    SpeechSpan,
    Task,
    Tier,
    Transcription,
    VoiceVector,
)

TextKind = Literal["query", "passage"]
AudioReader: TypeAlias = Callable[[float, float], Audio]
"""Gives the samples between two times in seconds, fewer where the recording ends; blocks until they are there."""

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
    """The options for transcribing one piece of audio."""

    language: str | None = None
    """ISO 639-1 code of the spoken language; None detects it."""
    languages: tuple[str, ...] = ()
    """The languages that are likely to be spoken, where ``language`` is None: a guess that is weak is one of these."""
    language_is_heard: bool = False
    """Whether ``language`` was detected earlier in the recording, so that another may follow, instead of asked for."""
    task: Task = "transcribe"
    """``translate`` writes English whatever is spoken; only for transcribers that ``choice.translates`` names."""
    tier: Tier = "fast"
    """``careful`` reads everything a second time, one window after the other, and takes about three times as long."""
    initial_prompt: str | None = None
    """Text that sets spelling and style, as if the recording followed it."""
    hotwords: tuple[str, ...] = ()
    """Names and terms that are likely to be said."""
    only_clear: bool = False
    """Whether faint speech is left alone, because it is another channel's."""


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
    """Finds the stretches of speech in audio."""

    def detect_speech(self, audio: Audio) -> tuple[SpeechSpan, ...]:
        """Return the stretches of speech in order, not touching; a pause of 0.3 s or more ends a stretch."""
        ...

    def detect_faint_speech(self, audio: Audio, stretches: Sequence[SpeechSpan]) -> tuple[SpeechSpan, ...]:
        """Return the speech within some stretches of the audio that another model hears, in order, not touching."""
        ...


class EntityTagger(Engine, Protocol):
    """Finds the people, organizations, places and products that a text names."""

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes of the languages it knows, None for any. In other languages, it takes arbitrary words for names."""
        ...

    def tag(self, text: str, language: str | None = None) -> tuple[Span, ...]:
        """Find the entities in a text of any length, in order and without overlap; case and punctuation matter.

        ``language`` is one of ``languages``; None where it is not known.
        """
        ...


class TextEncoder(Engine, Protocol):
    """Turns texts into embeddings: vectors whose cosine says how similar the texts are in meaning."""

    @property
    def dimensions(self) -> int: ...

    @property
    def similarity_floor(self) -> float:
        """The cosine below which a passage has nothing to do with a query; it depends on how a model was trained."""
        ...

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:
        """Return one vector for each text, in their order, shape (len(texts), dimensions).

        ``kind`` says whether the texts are searched for or searched in; some models treat the two differently.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DiarizeOptions:
    """The number of speakers, as far as it is known; without any number, the engine finds it."""

    num_speakers: int | None = None
    """The exact number; the other two are then ignored."""
    min_speakers: int | None = None
    max_speakers: int | None = None

    def __post_init__(self) -> None:
        for number in (self.num_speakers, self.min_speakers, self.max_speakers):
            if number is not None and number < 1:
                raise ValueError("A recording has at least one speaker.")
        if self.most is not None and self.least > self.most:
            raise ValueError("More speakers are asked for than are allowed.")

    @property
    def least(self) -> int:
        """The least number of speakers to tell apart."""
        return self.num_speakers or self.min_speakers or 1

    @property
    def most(self) -> int | None:
        """The largest number of speakers to tell apart; None for any number."""
        return self.num_speakers or self.max_speakers


SPEAKER_NUMBERS = tuple(field.name for field in fields(DiarizeOptions))
"""The options by which a request or a dataset gives the number of speakers."""


class Diarizer(Engine, Protocol):
    """Finds who speaks when."""

    def diarize(
        self,
        read: AudioReader,
        duration_seconds: float,
        *,
        options: DiarizeOptions,
        on_progress: Callable[[float], None] | None = None,
    ) -> Diarization:
        """Tell the speakers of a recording of any length apart; memory hardly grows with it.

        The recording is read in windows, some of them twice. Turns lie within it; a recording without speech has none.
        A wish for more speakers than there are voices to hear may not be met, one for fewer always is. The same audio
        and options give the same turns again. ``on_progress`` gets the seconds of audio done so far, rising up to the
        recording's length; what it or ``read`` raises ends the work and reaches the caller unchanged.
        Raises ``errors.EngineFailed``.
        """
        ...


MIN_VOICE_SECONDS = 0.5
"""The shortest audio of which a vector is made; vectors of three seconds and more are worth comparing."""


class VoiceEncoder(Engine, Protocol):
    """Turns a voice into a vector; the cosine of two says whether they are one person's.

    Vectors are comparable only where ``id.label`` is the same: it names the model, its weights and the background.
    """

    @property
    def dimensions(self) -> int: ...

    def embed(self, audio: Audio) -> VoiceVector:
        """The voice in audio of one speaker alone, at least ``MIN_VOICE_SECONDS`` of it; shorter is a ``ValueError``.

        Raises ``errors.EngineFailed``.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatMessage:
    """One message to a language model."""

    role: Literal["system", "user"]
    """``system`` says what is to be done, ``user`` what it is to be done with."""
    content: str


class ChatModel(Protocol):
    """Writes text as it is told to. It is elsewhere, so that it is neither loaded nor leased, and is waited for without a thread."""

    @property
    def name(self) -> str:
        """The name by which the model is asked for."""
        ...

    def write(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[str, None]:
        """Yield what the model writes, piece by piece, until it is done.

        It is given no tools. Raises ``errors.ChatUnavailable``, ``ChatRefused``, ``ChatFailed``, and ``ChatAnswerCut``
        where the answer is longer than it may be; what was yielded before stays as it is.
        """
        ...
