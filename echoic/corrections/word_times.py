"""Gives the words of a corrected text their times: those that were heard keep theirs, others share what lies between.

Pure. Words are compared without case and punctuation, so that ``Anna.`` is still the ``anna`` that was heard.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeAlias

from echoic.records import Segment, Word, milliseconds
from echoic.text.timing import share_time
from echoic.text.written import comparable, written_words

WRITTEN_SCORE = 1.0
"""Of a word that a person wrote: nobody need doubt it."""
MIN_WRITTEN_SECONDS = 0.05
"""Where less is left for each new word, they share the time of a neighbor as well."""
MAX_COMPARED_PAIRS = 250_000
"""Old words times new ones up to which they are compared; what is beyond takes seconds, and is no segment."""

_Time: TypeAlias = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Words ``old[old_start:old_end]`` that became the words ``new[new_start:new_end]``."""

    same: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


def corrected_words(segment: Segment, text: str) -> tuple[Word, ...]:
    """The words of ``text``, said in place of the segment's: in order, none outside it, together spelling the text.

    What the engine heard keeps time, speaker and score; what a person wrote gets the segment's speaker and
    ``WRITTEN_SCORE``.
    """
    old = segment.words
    new = [word.strip() for word in written_words(text, [word.text for word in old])]
    runs = _runs([word.text for word in old], new)
    heard = {
        run.new_start + number: old[run.old_start + number]
        for run in runs
        if run.same
        for number in range(run.new_end - run.new_start)
    }
    times: list[_Time] = []
    for run in _with_room(runs, old, segment):
        if run.same:
            times += [(word.start, word.end) for word in old[run.old_start : run.old_end]]
        else:
            times += _shared(new[run.new_start : run.new_end], *_span(run, old, segment))
    written = Word(text="", start=0, end=0, score=WRITTEN_SCORE, speaker=segment.speaker)
    return tuple(
        replace(heard.get(number, written), text=text, start=start, end=end)
        for number, (text, (start, end)) in enumerate(zip(new, _in_order(times, segment), strict=True))
    )


def _runs(old: Sequence[str], new: Sequence[str]) -> list[_Run]:
    was, now = list(map(comparable, old)), list(map(comparable, new))
    shorter = min(len(was), len(now))
    head = next((n for n in range(shorter) if was[n] != now[n]), shorter)
    tail = next((n for n in range(shorter - head) if was[-1 - n] != now[-1 - n]), shorter - head)
    runs = [_Run(same=True, old_start=0, old_end=head, new_start=0, new_end=head)] if head else []
    runs += _compared(was[head : len(was) - tail], now[head : len(now) - tail], head)
    if tail:
        runs.append(_Run(True, len(was) - tail, len(was), len(now) - tail, len(now)))
    return runs


def _compared(was: list[str], now: list[str], offset: int) -> Iterator[_Run]:
    """The runs of what is left when the same beginning, ``offset`` words long, and the same end are cut off."""
    if len(was) * len(now) > MAX_COMPARED_PAIRS:
        yield _Run(False, offset, offset + len(was), offset, offset + len(now))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if j1 < j2:
            yield _Run(tag == "equal", offset + i1, offset + i2, offset + j1, offset + j2)


def _with_room(runs: list[_Run], old: Sequence[Word], segment: Segment) -> Iterator[_Run]:
    """The same runs; new words without time of their own are taken together with the word before, or else after."""
    for number, run in enumerate(runs):
        start, end = _span(run, old, segment)
        if run.same or end - start >= MIN_WRITTEN_SECONDS * (run.new_end - run.new_start):
            continue
        before, after = runs[number - 1] if number else None, runs[number + 1] if number + 1 < len(runs) else None
        if before is not None and before.same and before.old_end > before.old_start:
            runs[number - 1] = replace(before, old_end=before.old_end - 1, new_end=before.new_end - 1)
            runs[number] = replace(run, old_start=before.old_end - 1, new_start=before.new_end - 1)
        elif after is not None and after.same:
            runs[number + 1] = replace(after, old_start=after.old_start + 1, new_start=after.new_start + 1)
            runs[number] = replace(run, old_end=after.old_start + 1, new_end=after.new_start + 1)
    yield from runs


def _span(run: _Run, old: Sequence[Word], segment: Segment) -> tuple[float, float]:
    """The time of the words that were replaced; where none were, what lies between their neighbors."""
    if run.old_start < run.old_end:
        return old[run.old_start].start, old[run.old_end - 1].end
    start = old[run.old_start - 1].end if run.old_start else segment.start
    return start, max(start, old[run.old_end].start if run.old_end < len(old) else segment.end)


def _shared(texts: Sequence[str], start: float, end: float) -> Iterator[_Time]:
    for begin, until in share_time(texts, start, max(start, end)):
        yield milliseconds(begin), milliseconds(until)


def _in_order(times: Sequence[_Time], segment: Segment) -> Iterator[_Time]:
    """Engines may give words that begin before the one before them, or reach out of their segment."""
    earliest, latest = segment.start, max(segment.start, segment.end)
    for start, end in times:
        earliest = min(max(start, earliest), latest)
        yield earliest, max(earliest, min(end, latest))
