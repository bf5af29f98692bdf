"""Finds which of at most three local speakers are heard in each frame of each window, by segmentation-3.0.

Local: speaker 1 of one window need not be speaker 1 of the next. What is kept of a recording is 1.8 KB for each window,
about 3 MB an hour.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from echoic.engines.diarization.grid import HOP_FRAMES, HOP_SAMPLES, WINDOW_FRAMES, WINDOW_SAMPLES, windows_over
from echoic.engines.failures import translated
from echoic.engines.protocols import AudioReader
from echoic.records import Audio
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BATCH_WINDOWS = 4
LOCAL_SPEAKERS = 3
MAX_AT_ONCE = 2
"""The model knows of no more who speak at the same time."""
SURE = 128
"""The least probability, in 255ths, of a speaker who counts as heard."""

Activity: TypeAlias = NDArray[np.uint8]
"""Probability in 255ths that a local speaker is heard, shape (windows, WINDOW_FRAMES, LOCAL_SPEAKERS)."""

# The model's seven classes: nobody, one of three, two of three (the "powerset" of Plaquet and Bredin, 2023).
_CLASSES = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]],
    dtype=np.float32,
)


def segment(session: "InferenceSession", read: AudioReader, windows: int, on_window: Callable[[int], None]) -> Activity:
    """Return the activity in all windows of a recording; ``on_window`` gets the number of windows done."""
    activity = np.zeros((windows, WINDOW_FRAMES, LOCAL_SPEAKERS), dtype=np.uint8)
    for first in range(0, windows, BATCH_WINDOWS):
        count = min(BATCH_WINDOWS, windows - first)
        audio = _padded(read, first * HOP_SAMPLES, (count - 1) * HOP_SAMPLES + WINDOW_SAMPLES)
        batch = np.stack([audio[index * HOP_SAMPLES :][:WINDOW_SAMPLES] for index in range(count)])
        with translated("Speaker segmentation failed on this recording."):
            (log_probabilities,) = session.run(None, {"waveform": batch[:, np.newaxis]})
        activity[first : first + count] = np.rint(255 * np.clip(np.exp(log_probabilities) @ _CLASSES, 0, 1))
        on_window(first + count)
    return activity


def _padded(read: AudioReader, first_sample: int, samples: int) -> Audio:
    """Return the samples asked for, silence where the recording has ended."""
    audio = np.zeros(samples, dtype=np.float32)
    found = read(first_sample / SAMPLE_RATE, (first_sample + samples) / SAMPLE_RATE)[:samples]
    audio[: len(found)] = found
    return audio


def window_mean(values: NDArray[np.float32], windows: range, first_frame: int, end_frame: int) -> NDArray[np.float32]:
    """Return the mean over the windows that see a frame, for each frame from ``first_frame`` to ``end_frame``.

    ``values`` has the shape (len(windows), WINDOW_FRAMES, …).
    """
    frames = end_frame - first_frame
    total = np.zeros((frames, *values.shape[2:]), dtype=np.float32)
    seen = np.zeros(frames, dtype=np.float32)
    for index, window in enumerate(windows):
        begin = window * HOP_FRAMES
        here = slice(max(0, begin - first_frame), max(0, min(frames, begin + WINDOW_FRAMES - first_frame)))
        there = slice(here.start + first_frame - begin, here.stop + first_frame - begin)
        total[here] += values[index, there]
        seen[here] += 1
    shape = (frames, *[1] * (total.ndim - 1))
    return (total / np.maximum(seen, 1).reshape(shape)).astype(np.float32)


def heard_over(activity: Activity, first_frame: int, end_frame: int) -> tuple[range, NDArray[np.float32]]:
    """Return the windows over some frames, and their activity as probabilities."""
    windows = windows_over(first_frame, end_frame, len(activity))
    return windows, activity[windows.start : windows.stop].astype(np.float32) / np.float32(255)
