"""Frozen records that cross the borders between rooms. They do no I/O.

Times are seconds from the start of the recording, rounded once to the millisecond where they leave the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from echoic.notices import Notice

Audio: TypeAlias = NDArray[np.float32]
"""Mono samples at ``units.SAMPLE_RATE``, shape (samples,), nominally within [-1, 1]."""

UNKNOWN_LANGUAGE = "und"
"""The code of ISO 639-2 for an undetermined language."""

Embeddings: TypeAlias = NDArray[np.float32]
"""L2-normalized vectors, shape (texts, dimensions)."""

VoiceVector: TypeAlias = NDArray[np.float32]
"""A voice as an L2-normalized vector, shape (dimensions,); compared only with vectors of the same engine id."""

Tier = Literal["fast", "careful"]
"""The tier of a transcription: ``careful`` takes about three times as long as ``fast``."""

Task = Literal["transcribe", "translate"]
"""Write what is said in its own language, or in English."""

Quality = Literal["ok", "doubtful", "repaired", "corrected"]
"""The quality of a segment: as the transcriber heard it at once; likely wrong; found or mended by a second decoding;
written by a person."""

PublishedForm = Literal["vtt", "srt", "json", "html", "txt"]
"""The form of a publisher's text, by its content."""

EntityType = Literal["person", "organization", "place", "product"]

JsonObject: TypeAlias = dict[str, object]


def speaker_label(number: int) -> str:
    """Return the label of a speaker within one item, numbered from 0: ``SPEAKER_00``."""
    return f"SPEAKER_{number:02}"


def milliseconds(seconds: float) -> float:
    """Round a time to the millisecond: the one rounding rule, used where times leave an engine."""
    return round(float(seconds), 3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A token of a segment with its own times; ``text`` has no surrounding space."""

    text: str
    start: float
    end: float
    score: float
    """The engine's probability, 0 to 1."""
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of transcript text."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    confidence: float | None = None
    """Mean probability of its words, 0 to 1."""
    no_speech_probability: float | None = None
    compression_ratio: float | None = None
    """The compression ratio of the text; above 2.4 the text repeats itself."""
    quality: Quality | None = None
    """How sure the text is; None where the transcriber does not tell it."""
    position: int | None = None
    """Its place in the transcript it is stored in, from 0."""
    language: str | None = None
    """ISO 639-1 code where it is in another language than the transcript."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageRun:
    """A stretch of a recording in which one language is spoken, in seconds from the recording's start."""

    start: float
    end: float
    language: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineId:
    """The engine that made an artifact; after a change of any part the artifact may be made again."""

    name: str
    model: str
    version: str
    """Version of the library, or of the weights where they have one."""

    @property
    def label(self) -> str:
        """The id in one line, as it is stored beside artifacts."""
        return f"{self.name}/{self.model}@{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechSpan:
    """A stretch in which somebody speaks."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerTurn:
    """A stretch in which one speaker has the word."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Diarization:
    """The speaker turns of a recording, in two forms: one with overlap, one for giving words to speakers."""

    turns: tuple[SpeakerTurn, ...]
    """All turns in order of their starts; turns of different speakers may overlap, those of one speaker do not."""
    exclusive: tuple[SpeakerTurn, ...]
    """Turns in order and without overlap: where several people speak, the one who is heard best."""
    speakers: tuple[str, ...]
    """``SPEAKER_00``, ``SPEAKER_01`` … in order of appearance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voiceprint:
    """The data of a voice."""

    vector: VoiceVector
    seconds: float
    """Seconds of speech that the embedding was made of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownVoice:
    """Somebody who is said to speak in a recording, with a voiceprint in numbers, as JSON keeps it."""

    name: str
    vector: list[float]
    seconds: float
    """Seconds of speech that it was made of."""
    engine: str
    """Label of the engine that made it: others' are not comparable."""


TranscriptionLimit = Literal["vocabulary_not_used", "word_times_estimated"]
"""The engine takes no prompt or vocabulary; it gives no times of words, which were placed by their letters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcription:
    """The result of a transcriber for one piece of audio."""

    segments: tuple[Segment, ...]
    language: str
    """ISO 639-1 code, or ``UNKNOWN_LANGUAGE`` where nothing was said and nobody named a language."""
    language_probability: float
    """1 where the language was given, the detection's probability where it was not, 0 where it is unknown."""
    languages: tuple[LanguageRun, ...] = ()
    """The stretches of each language, in order; empty where the engine does not tell them."""
    limits: tuple[TranscriptionLimit, ...] = ()
    """The things asked for or expected that the engine cannot do."""
    speech: tuple[SpeechSpan, ...] | None = field(default=None, compare=False)
    """The speech that the engine heard, with words or without, in order; None where it does not tell. By this alone, two
    transcriptions do not differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """Everything said in one item, ready for the formats."""

    item_id: int
    title: str
    language: str | None
    duration_seconds: float | None
    segments: tuple[Segment, ...]
    speakers: tuple[str, ...] = ()
    """Labels in order of appearance."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names by label, for the labels whose speaker is known."""
    engine: EngineId | None = None
    language_probability: float | None = None
    """1 where the language was given, the detection's probability where it was not."""
    notices: tuple[Notice, ...] = ()
    """Remarks on anything that was left out, guessed or cut."""
    turns: tuple[SpeakerTurn, ...] | None = None
    """Who speaks when, overlap included; None where that is not known or was not loaded."""

    def with_names(self) -> "Transcript":
        """Return the transcript with names in place of labels where the speaker is known."""
        if not self.names:
            return self
        shown = {None: None} | {label: self.names.get(label, label) for label in self.speakers}
        return replace(
            self,
            speakers=tuple(dict.fromkeys(self.names.get(label, label) for label in self.speakers)),
            segments=tuple(
                replace(
                    segment,
                    speaker=shown.get(segment.speaker, segment.speaker),
                    words=tuple(replace(word, speaker=shown.get(word.speaker, word.speaker)) for word in segment.words),
                )
                for segment in self.segments
            ),
            turns=None
            if self.turns is None
            else tuple(replace(turn, speaker=self.names.get(turn.speaker, turn.speaker)) for turn in self.turns),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A named entity in a text: character offsets, end exclusive."""

    start: int
    end: int
    text: str
    type: EntityType
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceBalance:
    """Counts of frames of 20 ms, over several channels or tracks: those with sound, and those with sound on one alone."""

    active: int = 0
    alone: tuple[int, ...] = ()
    """Frames with sound on this channel alone, by channel; empty where the channels are not those of microphones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackLeftOut:
    """An audio track of a file that is not decoded."""

    track: int
    """Its number among the audio tracks, from 1."""
    reason: str
    """``language``, ``commentary``, ``codec``, ``rate``, ``encrypted`` or ``too_many``."""
    codec: str
    language: str
    """The language in the file's tags; empty where there is none."""
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """The findings of a probe of a file."""

    container: str
    codec: str
    duration_seconds: float | None
    """The container's claim; None where it makes none."""
    sample_rate: int
    channels: int
    tags: dict[str, str] = field(default_factory=dict)
    balance: VoiceBalance = VoiceBalance()
    """The balance over the whole recording; zero where the file was only probed, or has one channel."""
    tracks_left_out: tuple[TrackLeftOut, ...] = ()
    told_seconds: float | None = None
    """The length that the file claims, where that is longer than the decoded audio."""
    damaged_seconds: float = 0.0
    """The length of the parts that could not be decoded."""
    unread_bytes: int = 0
    """Bytes that were not read as audio: the file holds something else there."""
    skipped_seconds: float = 0.0
    """Jumps of the file's clock that no silence stands for."""
    recordings: int = 1
    """The number of recordings in the file, one after the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchCopyFigures:
    """The copy of the index, in an engine outside of PostgreSQL, that answers searches, and how far it is behind."""

    is_usable: bool
    """Whether any copy was loaded once."""
    behind_seconds: float
    """The age of the oldest change that the copy lacks; 0 where it lacks none."""
    refused_items: int
    """Items of which copies lack a part that is refused."""
    held_back: bool
    """Whether those are items of a new copy, and too many for it to be put to use."""


@dataclass(kw_only=True, slots=True)
class StageFigures:
    """One stage of the pipeline, over all workers; the counts and sums run since the database was made."""

    stage: str
    waiting: int = 0
    """Runs that wait to be worked on there."""
    oldest_waiting_seconds: float = 0.0
    """Seconds that the first of them has waited; 0 with none."""
    done: int = 0
    """Tries that ended well."""
    seconds: float = 0.0
    """Wall time of these tries."""
    audio_seconds: float = 0.0
    """Length of the recordings they worked on."""
    failures: dict[str, int] = field(default_factory=dict)
    """Tries that ended in an error, by its code."""
