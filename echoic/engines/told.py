"""Completes the words and times of another transcriber, so that they keep the promises of our engines. Pure.

Other programs leave out times, words, probabilities, or spaces. NaN stands for a number that was left out, until records
are made.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from echoic.engines import heard
from echoic.engines.heard import HeardSegment, HeardWord
from echoic.records import Segment
from echoic.text.timing import share_time
from echoic.text.written import letters, written_words

NOT_TOLD = math.nan
UNTOLD_SCORE = 1.0
"""The score of words without a probability; the ``confidence`` of their segment is then None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldWord:
    """A word of another program. Its times may be missing."""

    text: str
    start: float | None
    end: float | None
    probability: float = NOT_TOLD


def spread(texts: Sequence[str], start: float, end: float, probability: float = NOT_TOLD) -> list[HeardWord]:
    """Time words over a stretch, each by its share of the characters."""
    times = share_time([text.strip() for text in texts], start, end)
    return [
        HeardWord(text=text, start=begin, end=until, probability=probability)
        for text, (begin, until) in zip(texts, times, strict=True)
    ]


def timed(words: Sequence[ToldWord], start: float, end: float) -> list[HeardWord]:
    """Complete the times: words without them share the time between their neighbors, or up to the ends of the stretch."""
    filled: list[HeardWord] = []
    untimed: list[ToldWord] = []
    for word in words:
        if word.start is None or word.end is None:
            untimed.append(word)
            continue
        filled += _between(untimed, filled[-1].end if filled else start, word.start)
        untimed = []
        filled.append(HeardWord(text=word.text, start=word.start, end=word.end, probability=word.probability))
    return filled + _between(untimed, filled[-1].end if filled else start, end)


def in_text(text: str, words: Sequence[HeardWord]) -> list[HeardWord]:
    """Spell the words as the text does, with its punctuation and spaces; words that differ from the text stay as they are.

    Some programs give words bare: "Yes" and "sir" for the text "Yes, sir!".
    """
    told = [(letter, word) for word in words for letter in letters(word.text)]
    written = written_words(text)
    if "".join(letter for letter, _ in told) != "".join(map(letters, written)):
        return [word if word.text[:1].isspace() else replace(word, text=f" {word.text}") for word in words]
    found: list[HeardWord] = []
    position = 0
    for token in written:
        length = len(letters(token))
        if not length:
            # Punctuation that stands alone is joined to the word before it.
            if found:
                found[-1] = replace(found[-1], text=found[-1].text + token)
            continue
        of_token = [word for _, word in told[position : position + length]]
        found.append(replace(of_token[0], text=token, end=max(word.end for word in of_token)))
        position += length
    return found


def to_records(segments: Iterable[HeardSegment], duration_seconds: float) -> tuple[Segment, ...]:
    """Make records of words in order within the audio, cut into sentences; numbers that were left out become None."""
    ordered = heard.in_order(segments, duration_seconds)
    return tuple(_honest(record) for record in heard.to_records(heard.in_sentences(ordered)))


def _between(words: Sequence[ToldWord], start: float, end: float) -> list[HeardWord]:
    placed = spread([word.text for word in words], start, max(start, end))
    return [replace(place, probability=word.probability) for place, word in zip(placed, words, strict=True)]


def _honest(record: Segment) -> Segment:
    return replace(
        record,
        words=tuple(
            replace(word, score=UNTOLD_SCORE if math.isnan(word.score) else min(1.0, max(0.0, word.score)))
            for word in record.words
        ),
        confidence=_told(record.confidence),
        no_speech_probability=_told(record.no_speech_probability),
        compression_ratio=_told(record.compression_ratio),
        # Our marks of quality were measured on our own decoding, not on that of other programs.
        quality=None,
    )


def _told(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else number
