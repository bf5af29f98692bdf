"""Times the words of a corrected text: heard words keep their times, and new words share the time between them. Pure.

Words are compared without case and punctuation, so that ``Anna.`` is still the ``anna`` that was heard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeAlias

from echoic.records import Segment, Word, milliseconds
from echoic.text.timing import share_time
from echoic.text.written import comparable, written_words

WRITTEN_SCORE = 1.0
"""The score of a word that a person wrote."""
MIN_WRITTEN_SECONDS = 0.05
"""The least time for each new word; where less is left, the new words share the time of a neighbor."""
MAX_COMPARED_PAIRS = 250_000
"""The largest product of old and new words that are compared. More would take seconds, and segments do not have so many."""

_Time: TypeAlias = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of words: ``old[old_start:old_end]`` became ``new[new_start:new_end]``."""

    same: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def corrected_words(segment: Segment, text: str) -> tuple[Word, ...]:
    """Return the words of a corrected text with their times, in order and within the segment.

    Words that the engine heard keep time, speaker and score. New words get the segment's speaker and ``WRITTEN_SCORE``.
    The words together spell the text.
    """
    old = segment.words
    new = [word.strip() for word in written_words(text, [word.text for word in old])]
    stretches = _stretches([word.text for word in old], new)
    heard = {
        stretch.new_start + number: old[stretch.old_start + number]
        for stretch in stretches
        if stretch.same
        for number in range(stretch.new_end - stretch.new_start)
    }
    times: list[_Time] = []
    for stretch in _with_room(stretches, old, segment):
        if stretch.same:
            times += [(word.start, word.end) for word in old[stretch.old_start : stretch.old_end]]
        else:
            times += _shared(new[stretch.new_start : stretch.new_end], *_span(stretch, old, segment))
    written = Word(text="", start=0, end=0, score=WRITTEN_SCORE, speaker=segment.speaker)
    return tuple(
        replace(heard.get(number, written), text=text, start=start, end=end)
        for number, (text, (start, end)) in enumerate(zip(new, _in_order(times, segment), strict=True))
    )


def _stretches(old: Sequence[str], new: Sequence[str]) -> list[_Stretch]:
    was, now = list(map(comparable, old)), list(map(comparable, new))
    shorter = min(len(was), len(now))
    head = next((n for n in range(shorter) if was[n] != now[n]), shorter)
    tail = next((n for n in range(shorter - head) if was[-1 - n] != now[-1 - n]), shorter - head)
    stretches = [_Stretch(same=True, old_start=0, old_end=head, new_start=0, new_end=head)] if head else []
    stretches += _compared(was[head : len(was) - tail], now[head : len(now) - tail], head)
    if tail:
        stretches.append(_Stretch(True, len(was) - tail, len(was), len(now) - tail, len(now)))
    return stretches


def _compared(was: list[str], now: list[str], offset: int) -> Iterator[_Stretch]:
    """Compare the words between the equal beginning, ``offset`` words long, and the equal end."""
    if len(was) * len(now) > MAX_COMPARED_PAIRS:
        yield _Stretch(False, offset, offset + len(was), offset, offset + len(now))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if j1 < j2:
            yield _Stretch(tag == "equal", offset + i1, offset + i2, offset + j1, offset + j2)


def _with_room(stretches: list[_Stretch], old: Sequence[Word], segment: Segment) -> Iterator[_Stretch]:
    """Join each stretch that has too little time with the word before it, or else with the word after it."""
    for number, stretch in enumerate(stretches):
        start, end = _span(stretch, old, segment)
        if stretch.same or end - start >= MIN_WRITTEN_SECONDS * (stretch.new_end - stretch.new_start):
            continue
        before, after = (
            stretches[number - 1] if number else None,
            stretches[number + 1] if number + 1 < len(stretches) else None,
        )
        if before is not None and before.same and before.old_end > before.old_start:
            stretches[number - 1] = replace(before, old_end=before.old_end - 1, new_end=before.new_end - 1)
            stretches[number] = replace(stretch, old_start=before.old_end - 1, new_start=before.new_end - 1)
        elif after is not None and after.same:
            stretches[number + 1] = replace(after, old_start=after.old_start + 1, new_start=after.new_start + 1)
            stretches[number] = replace(stretch, old_end=after.old_start + 1, new_end=after.new_start + 1)
    yield from stretches


def _span(stretch: _Stretch, old: Sequence[Word], segment: Segment) -> tuple[float, float]:
    """Return the time of the replaced words, or where words were only added, the time between their neighbors."""
    if stretch.old_start < stretch.old_end:
        return old[stretch.old_start].start, old[stretch.old_end - 1].end
    start = old[stretch.old_start - 1].end if stretch.old_start else segment.start
    return start, max(start, old[stretch.old_end].start if stretch.old_end < len(old) else segment.end)


def _shared(texts: Sequence[str], start: float, end: float) -> Iterator[_Time]:
    for begin, until in share_time(texts, start, max(start, end)):
        yield milliseconds(begin), milliseconds(until)


def _in_order(times: Sequence[_Time], segment: Segment) -> Iterator[_Time]:
    """Clip the times so that words are in order and within the segment; those of some engines are not."""
    earliest, latest = segment.start, max(segment.start, segment.end)
    for start, end in times:
        earliest = min(max(start, earliest), latest)
        yield earliest, max(earliest, min(end, latest))
