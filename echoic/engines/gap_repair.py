"""Finds speech that got no words, has it decoded again, and puts the result where it belongs. Pure but for the callback.

A Whisper decoder now and then ends a window of 30 s early and whole sentences vanish. Measured on ten minutes of
accented speech, this brings back a third of the lost words for a tenth of the time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from echoic.engines.heard import HeardSegment, HeardWord
from echoic.records import SpeechSpan

MAX_WORD_GAP_SECONDS = 0.8
"""Words closer than this cover the time between them."""
MIN_GAP_SECONDS = 1.2
"""Speech without words that is shorter than this is left alone."""
MIN_MEAN_LOG_PROBABILITY = -1.2
"""Text decoded with less confidence is more likely noise than speech."""

DecodeGap = Callable[[SpeechSpan], Sequence[HeardSegment]]


def repair_gaps(
    segments: Sequence[HeardSegment], speech: Iterable[SpeechSpan], decode: DecodeGap
) -> list[HeardSegment]:
    """The segments, and between them what ``decode`` finds in the gaps; its times count from the audio's start."""
    repaired = list(segments)
    for gap in find_gaps((word for segment in segments for word in segment.words), speech):
        for found in decode(gap):
            if found.mean_log_probability >= MIN_MEAN_LOG_PROBABILITY:
                repaired = _insert(repaired, replace(_within(found, gap), repaired=True))
    return repaired


def find_gaps(words: Iterable[HeardWord], speech: Iterable[SpeechSpan]) -> list[SpeechSpan]:
    """Return stretches of speech longer than ``MIN_GAP_SECONDS`` that no word covers."""
    covered = _covered(words)
    gaps = []
    for span in speech:
        position = span.start
        for start, end in covered:
            if end <= position or start >= span.end:
                continue
            if start - position > MIN_GAP_SECONDS:
                gaps.append(SpeechSpan(start=position, end=start))
            position = end
        if span.end - position > MIN_GAP_SECONDS:
            gaps.append(SpeechSpan(start=position, end=span.end))
    return gaps


def _covered(words: Iterable[HeardWord]) -> list[tuple[float, float]]:
    covered: list[tuple[float, float]] = []
    for word in words:
        if covered and word.start - covered[-1][1] < MAX_WORD_GAP_SECONDS:
            covered[-1] = (covered[-1][0], max(covered[-1][1], word.end))
        else:
            covered.append((word.start, word.end))
    return covered


def _within(segment: HeardSegment, gap: SpeechSpan) -> HeardSegment:
    """Return the segment with its words pressed into the gap; they would overlap the neighbors otherwise."""

    def press(seconds: float) -> float:
        return min(max(seconds, gap.start), gap.end)

    return replace(
        segment,
        words=tuple(replace(word, start=press(word.start), end=press(word.end)) for word in segment.words),
    )


def _insert(segments: Sequence[HeardSegment], found: HeardSegment) -> list[HeardSegment]:
    """Put a segment in its place in time, cutting in two a segment that has words on both sides."""
    if not found.words:
        return list(segments)
    at = found.words[0].start
    before: list[HeardSegment] = []
    after: list[HeardSegment] = []
    for segment in segments:
        early = tuple(word for word in segment.words if word.middle < at)
        late = tuple(word for word in segment.words if word.middle >= at)
        if early:
            before.append(replace(segment, words=early))
        if late:
            after.append(replace(segment, words=late))
    return [*before, found, *after]
