"""Orders the words of a transcriber, cuts them into sentences and makes records of them. Pure.

A heard word keeps the space before it, since languages differ in where spaces belong; the words of records do not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from echoic.records import UNKNOWN_LANGUAGE, Segment, Transcription, Word, milliseconds
from echoic.text.sentences import ends_clause, ends_sentence

PAUSE_SECONDS = 1.0
"""A pause this long ends a segment even within a sentence."""
MIN_SENTENCE_SECONDS = 2.0
"""A sentence shorter than this is joined with the next one."""
MAX_SEGMENT_SECONDS = 15.0
"""A sentence that runs longer is cut, after a clause where there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardWord:
    """A token with its times."""

    text: str
    """The text, with the space before it if there is one."""
    start: float
    end: float
    probability: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardSegment:
    """Words that were decoded together, with the decoder's confidence in them."""

    words: tuple[HeardWord, ...]
    no_speech_probability: float
    compression_ratio: float
    mean_log_probability: float
    repaired: bool = False
    """Whether it was decoded a second time, with other settings."""
    doubtful: bool = False
    """Whether it still looks made up."""
    language: str | None = None
    """The language in which it was decoded, if that may differ from the recording's."""


def shifted(segment: HeardSegment, seconds: float) -> HeardSegment:
    """Return the segment, shifted by some seconds."""
    return replace(
        segment,
        words=tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words),
    )


def in_order(segments: Iterable[HeardSegment], duration_seconds: float) -> list[HeardSegment]:
    """Clip words so that they follow each other within the audio: of two that overlap, the later begins where the first ends."""
    earliest = 0.0
    ordered = []
    for segment in segments:
        words = []
        for word in segment.words:
            start = min(max(word.start, earliest), duration_seconds)
            end = min(max(word.end, start), duration_seconds)
            words.append(replace(word, start=start, end=end))
            earliest = end
        if words:
            ordered.append(replace(segment, words=tuple(words)))
    return ordered


def in_sentences(segments: Iterable[HeardSegment]) -> list[HeardSegment]:
    """Cut segments, which may be 30 s of several voices, at sentence ends and pauses."""
    return [replace(segment, words=words) for segment in segments for words in _sentences(segment.words)]


def to_records(segments: Iterable[HeardSegment]) -> tuple[Segment, ...]:
    """Make records: round the times once, drop segments without text, add the figures of confidence."""
    return tuple(_record(segment) for segment in segments if _text(segment.words))


def mark_languages(segments: Iterable[Segment], language: str) -> tuple[Segment, ...]:
    """Return the segments, with a language only where it is another than the transcription's ``language``."""
    return tuple(
        replace(segment, language=None if segment.language == language else segment.language) for segment in segments
    )


def nothing_said(language: str | None) -> Transcription:
    """Return the transcription of audio in which nothing was said; ``language`` is the one asked for."""
    return Transcription(
        segments=(), language=language or UNKNOWN_LANGUAGE, language_probability=1.0 if language else 0.0
    )


def _sentences(words: Sequence[HeardWord]) -> Iterator[tuple[HeardWord, ...]]:
    begin = 0
    for index, (word, following) in enumerate(pairwise(words), start=1):
        if _ends_segment(words[begin:index], word, following):
            yield tuple(words[begin:index])
            begin = index
        elif following.end - words[begin].start > MAX_SEGMENT_SECONDS:
            cut = _last_clause(words, begin, index)
            yield tuple(words[begin:cut])
            begin = cut
    if words[begin:]:
        yield tuple(words[begin:])


def _ends_segment(sentence: Sequence[HeardWord], word: HeardWord, following: HeardWord) -> bool:
    if following.start - word.end >= PAUSE_SECONDS:
        return True
    return ends_sentence(word.text) and word.end - sentence[0].start >= MIN_SENTENCE_SECONDS


def _last_clause(words: Sequence[HeardWord], begin: int, end: int) -> int:
    """Return the index after the last clause in the second half of the stretch, or the end of the stretch."""
    for index in range(end, begin + (end - begin) // 2, -1):
        if ends_clause(words[index - 1].text):
            return index
    return end


def _text(words: Iterable[HeardWord]) -> str:
    return "".join(word.text for word in words).strip()


def _record(segment: HeardSegment) -> Segment:
    words = tuple(
        Word(
            text=word.text.strip(),
            start=milliseconds(word.start),
            end=milliseconds(word.end),
            score=round(word.probability, 3),
        )
        for word in segment.words
        if word.text.strip()
    )
    return Segment(
        start=words[0].start,
        end=words[-1].end,
        text=_text(segment.words),
        words=words,
        confidence=round(sum(word.score for word in words) / len(words), 3),
        no_speech_probability=round(segment.no_speech_probability, 3),
        compression_ratio=round(segment.compression_ratio, 3),
        language=segment.language,
        quality="doubtful" if segment.doubtful else "repaired" if segment.repaired else "ok",
    )
