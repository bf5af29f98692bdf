"""Exact replacements in a transcript: what the transcriber gets wrong time and again, as a dataset lists it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from echoic.records import Segment, Word, milliseconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """Whole words exactly as they are written, and what is to stand instead."""

    find: str
    replace: str


def replaced(segments: Iterable[Segment], replacements: Sequence[Replacement]) -> tuple[Segment, ...]:
    """The segments with all replacements made one after the other, in the text and in the words.

    What words are found within one segment; marks before and after them stay. New words share the time of the old ones
    by their length. A segment that nothing is left of goes.
    """
    result = tuple(segments)
    for each in replacements:
        result = tuple(_replaced(segment, each) for segment in result)
    return tuple(segment for segment in result if segment.text) if replacements else result


def _replaced(segment: Segment, replacement: Replacement) -> Segment:
    sought = replacement.find.split()
    pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, sought)) + r"(?!\w)")
    text, count = pattern.subn(lambda _: replacement.replace, segment.text)
    if not count:
        return segment
    words = tuple(_words(segment.words, pattern, replacement.replace, length=len(sought)))
    return replace(segment, text=" ".join(text.split()), words=words)


def _words(words: Sequence[Word], pattern: re.Pattern[str], instead: str, *, length: int) -> Iterable[Word]:
    """The words, each stretch of ``length`` words that the pattern is found in replaced."""
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


def _timed(texts: Sequence[str], found: Sequence[Word]) -> Iterable[Word]:
    start, end = found[0].start, found[-1].end
    characters = sum(map(len, texts))
    score = min(word.score for word in found)
    done = 0
    for text in texts:
        begin = milliseconds(start + (end - start) * done / characters)
        done += len(text)
        yield Word(
            text=text,
            start=begin,
            end=milliseconds(start + (end - start) * done / characters),
            score=score,
            speaker=found[0].speaker,
        )
