"""Cuts speech into windows that a model takes at once, at pauses where there are any. Pure."""

from collections.abc import Iterator, Sequence

from echoic.engines.pieces import quietest_seconds
from echoic.records import Audio, SpeechSpan
from echoic.units import SAMPLE_RATE

Window = tuple[SpeechSpan, ...]
"""The stretches of speech of one window, in order."""


def cut_into_windows(audio: Audio, speech: Sequence[SpeechSpan], most_seconds: float) -> list[Window]:
    """Group the speech into windows of at most ``most_seconds``, pauses included.

    Speech that runs on for longer is cut at its quietest place in the second half of a window.
    """
    windows: list[Window] = []
    for span in speech:
        for part in _cut(audio, span, most_seconds):
            if windows and part.end - windows[-1][0].start <= most_seconds:
                windows[-1] = (*windows[-1], part)
            else:
                windows.append((part,))
    return windows


def in_speech(window: Window, times: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Turn times that count speech alone, from 0 on, into times of the audio, with its pauses."""
    for start, end in times:
        begin = _at(window, start, ends=False)
        yield begin, max(begin, _at(window, end, ends=True))


def _at(window: Window, seconds: float, *, ends: bool) -> float:
    """Return the time in the audio; at a pause, what ends is before it and what begins is after it."""
    for span in window[:-1]:
        length = span.end - span.start
        if seconds < length or (ends and seconds == length):
            return span.start + seconds
        seconds -= length
    return min(window[-1].end, window[-1].start + seconds)


def _cut(audio: Audio, span: SpeechSpan, most_seconds: float) -> Iterator[SpeechSpan]:
    start = span.start
    while span.end - start > most_seconds:
        earliest = start + most_seconds / 2
        candidates = audio[round(earliest * SAMPLE_RATE) : round((start + most_seconds) * SAMPLE_RATE)]
        cut = earliest + quietest_seconds(candidates)
        yield SpeechSpan(start=start, end=cut)
        start = cut
    yield SpeechSpan(start=start, end=span.end)
