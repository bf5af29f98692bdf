"""Finds the stretches of speech that have no words. Pure.

A transcriber that leaves a passage out often stretches the word beside it over the hole: a word therefore covers no more
time than a word can take.
"""

from collections.abc import Iterable, Sequence
from heapq import merge
from typing import Protocol

from echoic.records import SpeechSpan

MAX_WORD_SECONDS = 1.0
"""A word covers so much time from its start; a number, which may be read out digit by digit, all that it has."""
MAX_WORD_GAP_SECONDS = 0.8
"""Words closer than this cover the time between them."""
MIN_UNREAD_SECONDS = 1.2
"""Speech without words that is shorter than this is left alone: a breath, a laugh, the end of a drawn-out word."""


class Timed(Protocol):
    """A word, or a text whose words have no times, with its times in seconds."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...


def unread_speech(
    words: Iterable[Timed], speech: Iterable[SpeechSpan], *, wordless: Iterable[Timed] = ()
) -> list[SpeechSpan]:
    """Return the parts of the speech, in order, that no word covers and that last longer than ``MIN_UNREAD_SECONDS``.

    A ``wordless`` text covers all of its time, since nothing says when its words are. Words and texts are in order.
    """
    covered = _covered(merge(map(_time_of, words), ((text.start, text.end) for text in wordless)))
    unread = []
    for span in speech:
        position = span.start
        for start, end in covered:
            if end <= position or start >= span.end:
                continue
            if start - position > MIN_UNREAD_SECONDS:
                unread.append(SpeechSpan(start=position, end=start))
            position = end
        if span.end - position > MIN_UNREAD_SECONDS:
            unread.append(SpeechSpan(start=position, end=span.end))
    return unread


def joined_speech(*found: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    """Join the spans of several detectors, each in order, to stretches that neither overlap nor touch."""
    joined: list[SpeechSpan] = []
    for span in sorted((span for spans in found for span in spans), key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = SpeechSpan(start=joined[-1].start, end=max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def spoken_seconds(start: float, end: float, speech: Iterable[SpeechSpan]) -> float:
    """Return how many seconds of a stretch the speech fills; its spans do not overlap."""
    return sum(max(0.0, min(end, span.end) - max(start, span.start)) for span in speech)


def _time_of(word: Timed) -> tuple[float, float]:
    is_number = any(sign.isdigit() for sign in word.text)
    return word.start, word.end if is_number else min(word.end, word.start + MAX_WORD_SECONDS)


def _covered(times: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    covered: list[tuple[float, float]] = []
    for start, end in times:
        if covered and start - covered[-1][1] < MAX_WORD_GAP_SECONDS:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    return covered
