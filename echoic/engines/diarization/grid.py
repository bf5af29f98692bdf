"""The frames of segmentation-3.0 and the windows it sees, laid so that the frames of all windows coincide. Pure."""

import math

from echoic.units import SAMPLE_RATE

FRAME_SAMPLES = 270
FIRST_CENTER_SAMPLES = 495
"""Where the first frame of a window is centered: the model's receptive field is 991 samples wide."""
WINDOW_FRAMES = 589
WINDOW_SAMPLES = 10 * SAMPLE_RATE
HOP_FRAMES = 118
HOP_SAMPLES = HOP_FRAMES * FRAME_SAMPLES
"""About 2 s: every moment is seen by five windows, except near the ends."""
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE


def window_count(samples: int) -> int:
    """Return the number of windows that cover a recording; 0 for an empty one."""
    if samples <= 0:
        return 0
    return 1 + max(0, math.ceil((samples - WINDOW_SAMPLES) / HOP_SAMPLES))


def frame_count(windows: int) -> int:
    """Return the number of frames that so many windows cover together."""
    return (windows - 1) * HOP_FRAMES + WINDOW_FRAMES if windows else 0


def windows_over(first_frame: int, end_frame: int, windows: int) -> range:
    """Return the windows that share at least one frame with ``first_frame`` up to, not including, ``end_frame``."""
    first = max(0, -(-(first_frame - WINDOW_FRAMES + 1) // HOP_FRAMES))
    return range(first, min(windows, (end_frame - 1) // HOP_FRAMES + 1))


def frame_start(frame: int) -> float:
    """Return seconds at which a frame begins, which is where the one before it ends."""
    return (FIRST_CENTER_SAMPLES + (frame - 0.5) * FRAME_SAMPLES) / SAMPLE_RATE


def frame_at(seconds: float) -> int:
    """Return the first frame whose center is not before a moment."""
    return math.ceil((seconds * SAMPLE_RATE - FIRST_CENTER_SAMPLES) / FRAME_SAMPLES - 1e-6)
