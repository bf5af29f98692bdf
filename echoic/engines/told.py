"""Words and times as another program tells them, made into what the engines here promise. Pure.

Programs leave out times, words, probabilities, or spaces; NaN stands for a number that was not told, until the records.
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
"""Of words whose probability nobody told; their segment's ``confidence`` is then None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldWord:
    """A word as it was told; without times where those are None."""

    text: str
    start: float | None
    end: float | None
    probability: float = NOT_TOLD


def spread(texts: Sequence[str], start: float, end: float, probability: float = NOT_TOLD) -> list[HeardWord]:
    """Words over a stretch of time, each as long as its share of the letters."""
    times = share_time([text.strip() for text in texts], start, end)
    return [
        HeardWord(text=text, start=begin, end=until, probability=probability)
        for text, (begin, until) in zip(texts, times, strict=True)
    ]


def timed(words: Sequence[ToldWord], start: float, end: float) -> list[HeardWord]:
    """Words with times: those that have none share what lies between their neighbors, or the stretch's ends."""
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
    """The words as the text writes them, with its marks and spaces; as they are told where they are not the text's.

    Some tell words bare: "Yes" and "sir" for the text "Yes, sir!".
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
            # A mark that stands alone goes with the word before it.
            if found:
                found[-1] = replace(found[-1], text=found[-1].text + token)
            continue
        of_token = [word for _, word in told[position : position + length]]
        found.append(replace(of_token[0], text=token, end=max(word.end for word in of_token)))
        position += length
    return found


def to_records(segments: Iterable[HeardSegment], duration_seconds: float) -> tuple[Segment, ...]:
    """Words in order within the audio, cut into sentences, rounded once; numbers that nobody told become None."""
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
        # What a mark of ours means was measured on our own decoding, not on that of others.
        quality=None,
    )


def _told(number: float | None) -> float | None:
    return None if number is None or math.isnan(number) else number
