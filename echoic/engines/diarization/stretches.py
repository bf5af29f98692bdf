"""Stretches in which one person speaks alone, from what the windows saw. Pure.

A stretch ends where nobody or a second one speaks, and where most windows that see the moment heard another local speaker
after it than before.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from echoic.engines.diarization.grid import windows_over
from echoic.engines.diarization.segmentation import SURE, Activity, window_mean

MOST = 0.5
CHANGE_FRAMES = 9
"""Windows do not agree to the frame on where a change is: votes within 0.15 s are counted together."""


def lone_stretches(activity: Activity, first_frame: int, end_frame: int) -> list[tuple[int, int]]:
    """Return first and end frame of each stretch between two frames, in order, not overlapping."""
    windows = windows_over(first_frame, end_frame, len(activity))
    heard = activity[windows.start : windows.stop] >= SURE
    alone = heard.sum(axis=2) == 1
    lone = window_mean(alone.astype(np.float32), windows, first_frame, end_frame) > MOST
    votes = window_mean(_changes(heard, alone), windows, first_frame, end_frame)
    near = np.convolve(votes, np.ones(CHANGE_FRAMES), "same") > MOST
    stretches = []
    for start, end in runs(lone):
        cuts = [start]
        for left, right in runs(near[start:end]):
            cut = start + left + int(votes[start + left : start + right].argmax())
            if cut > cuts[-1]:
                cuts.append(cut)
        cuts.append(end)
        stretches += [(first_frame + left, first_frame + right) for left, right in pairwise(cuts)]
    return stretches


def runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Return start and end of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _changes(heard: NDArray[np.bool_], alone: NDArray[np.bool_]) -> NDArray[np.float32]:
    """1 in each window's frames where the one who speaks alone is not the one who did so last."""
    changes = np.zeros(alone.shape, dtype=np.float32)
    speaker = heard.argmax(axis=2)
    for window, flags in enumerate(alone):
        frames = np.flatnonzero(flags)
        if len(frames):
            spoken = speaker[window, frames]
            changes[window, frames[1:][spoken[1:] != spoken[:-1]]] = 1
    return changes
