"""A second opinion on where somebody speaks, by the model that tells speakers apart (segmentation-3.0).

It has no memory beyond its windows of 10 s: what was heard before, such as half a minute of noise, does not make it deaf.
It is asked only about stretches in which nothing was read.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from echoic.engines.diarization.grid import WINDOW_SAMPLES, frame_count, frame_start, window_count
from echoic.engines.diarization.segmentation import SURE, segment, window_mean
from echoic.engines.diarization.stretches import runs
from echoic.engines.diarization.weights import SEGMENTATION, open_session
from echoic.records import Audio, SpeechSpan, milliseconds
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CONTEXT_SECONDS = 4.0
"""The audio heard on either side of a stretch."""
MAX_PAUSE_SECONDS = 0.3
"""Speech goes on over shorter pauses."""
MIN_SECONDS = 0.25
"""What is shorter is no speech."""


class SecondOpinion:
    """segmentation-3.0 on the processor, loaded when it is first asked."""

    def __init__(self, *, threads: int) -> None:
        self._threads = threads
        self._session: InferenceSession | None = None

    def speech(self, audio: Audio, stretches: Iterable[SpeechSpan]) -> list[SpeechSpan]:
        """Return the speech within the stretches. Raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        return [span for stretch in stretches for span in self._within(audio, stretch)]

    def _within(self, audio: Audio, stretch: SpeechSpan) -> Iterator[SpeechSpan]:
        if self._session is None:
            self._session = open_session(SEGMENTATION, threads=self._threads)
        # At least one whole window, with the stretch in its middle: the model hears least at the ends.
        context = max(CONTEXT_SECONDS, (WINDOW_SAMPLES / SAMPLE_RATE - (stretch.end - stretch.start)) / 2)
        origin = max(0.0, stretch.start - context)
        heard = audio[round(origin * SAMPLE_RATE) : round((stretch.end + context) * SAMPLE_RATE)]

        def read(start: float, end: float) -> Audio:
            return heard[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]

        windows = window_count(len(heard))
        activity = segment(self._session, read, windows, lambda _: None)
        frames = frame_count(windows)
        likely = window_mean(activity.max(axis=2).astype(np.float32), range(windows), 0, frames)
        for start, end in _joined(runs(likely >= SURE)):
            begin, until = max(stretch.start, origin + start), min(stretch.end, origin + end)
            if until - begin >= MIN_SECONDS:
                yield SpeechSpan(start=milliseconds(begin), end=milliseconds(until))


def _joined(frames: Iterable[tuple[int, int]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for first, last in frames:
        start, end = max(0.0, frame_start(first)), frame_start(last)
        if joined and start - joined[-1][1] <= MAX_PAUSE_SECONDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
