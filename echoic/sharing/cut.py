"""Cuts a transcript to a span of time, at the borders of words. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from echoic.records import Segment, Word
from echoic.text.places import places_of_words

ROUNDING_SECONDS = 0.0005
"""Times are rounded to the millisecond."""


def cut(segments: Iterable[Segment], start: float, end: float) -> Iterator[Segment]:
    """Yield what of the segments lies within a span: words that do so from their beginning to their end.

    A segment whose words are not those of its text, or that has none, is left out unless all of it lies within.
    """
    for segment in segments:
        if _is_within(segment, start, end):
            yield segment
            continue
        places = places_of_words(segment.text, (word.text for word in segment.words))
        if not segment.words or places is None:
            continue
        within = [_is_within(word, start, end) for word in segment.words]
        for is_within, group in groupby(range(len(within)), within.__getitem__):
            if is_within:
                yield _part(segment, list(group), places)


def _is_within(part: Segment | Word, start: float, end: float) -> bool:
    return part.start >= start - ROUNDING_SECONDS and part.end <= end + ROUNDING_SECONDS


def _part(segment: Segment, numbers: Sequence[int], places: Sequence[tuple[int, int]]) -> Segment:
    first, last = numbers[0], numbers[-1]
    words = segment.words[first : last + 1]
    text = segment.text[places[first][0] : places[last][1]]
    return replace(segment, text=text, words=words, start=words[0].start, end=words[-1].end)
