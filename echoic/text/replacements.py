"""Puts one text in the place of another: in texts alone, or in segments with their words. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from echoic.records import Segment, Word, milliseconds
from echoic.text.timing import share_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """The text to find, and the text to put in its place. A blank in ``find`` stands for any white space."""

    find: str
    replace: str
    match_case: bool = True
    whole_words: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """The texts that changed, by their places, and the number of replacements in them."""

    texts: dict[int, str]
    replacements: int


def replaced_in_texts(texts: Mapping[int, str], wanted: Replacement) -> Replaced:
    """Make one replacement in each text by itself: a match never reaches from one text into the next."""
    pattern = _pattern(wanted)
    found: dict[int, str] = {}
    replacements = 0
    for place, text in texts.items():
        new, count = pattern.subn(lambda _: wanted.replace, text)
        if count and new != text:
            found[place] = new
            replacements += count
    return Replaced(texts=found, replacements=replacements)


def replaced_in_segments(segments: Iterable[Segment], replacements: Sequence[Replacement]) -> tuple[Segment, ...]:
    """Make all replacements, one after the other, in the text and in the words of each segment.

    Marks before and after the found words stay. New words share the time of the old ones by their length. A segment
    whose text becomes empty is dropped.
    """
    result = tuple(segments)
    for each in replacements:
        result = tuple(_replaced(segment, each) for segment in result)
    return tuple(segment for segment in result if segment.text) if replacements else result


def _pattern(wanted: Replacement) -> re.Pattern[str]:
    found = r"\s+".join(re.escape(part) for part in re.split(r"\s+", wanted.find))
    if wanted.whole_words:
        found = rf"(?<!\w){found}(?!\w)"
    return re.compile(found, 0 if wanted.match_case else re.IGNORECASE)


def _replaced(segment: Segment, replacement: Replacement) -> Segment:
    pattern = _pattern(replacement)
    text, count = pattern.subn(lambda _: replacement.replace, segment.text)
    if not count:
        return segment
    words = tuple(_words(segment.words, pattern, replacement.replace, length=len(replacement.find.split())))
    return replace(segment, text=" ".join(text.split()), words=words)


def _words(words: Sequence[Word], pattern: re.Pattern[str], instead: str, *, length: int) -> Iterator[Word]:
    """Yield the words, with each stretch of ``length`` words that matches the pattern replaced."""
    index = 0
    while index < len(words):
        found = words[index : index + length]
        text, count = pattern.subn(lambda _: instead, " ".join(word.text for word in found))
        if count:
            yield from _timed(text.split(), found)
            index += length
        else:
            yield words[index]
            index += 1


def _timed(texts: Sequence[str], found: Sequence[Word]) -> Iterator[Word]:
    score = min(word.score for word in found)
    for text, (start, end) in zip(texts, share_time(texts, found[0].start, found[-1].end), strict=True):
        yield Word(text=text, start=milliseconds(start), end=milliseconds(end), score=score, speaker=found[0].speaker)
