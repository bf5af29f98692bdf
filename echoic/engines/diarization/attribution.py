"""Finds which person each local speaker of a window is, and how strongly each person is heard in each frame. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from echoic.engines.diarization.clusters import Labels
from echoic.engines.diarization.grid import HOP_FRAMES, WINDOW_FRAMES, frame_at, frame_start
from echoic.engines.diarization.segmentation import LOCAL_SPEAKERS, MAX_AT_ONCE, SURE, Activity, heard_over, window_mean

VOICE_WEIGHT = 1.5
"""The weight of a voice heard alone in a frame; all windows together weigh 1, so the voice decides."""
PRESENCE_WEIGHT = 0.1
"""A local speaker who is never heard alone is rather a person who is heard in that window than one who is not."""
MIN_SCORE = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class Voices:
    """The stretches whose voices were compared, in order, and the person of each."""

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    people: Labels

    @property
    def number_of_people(self) -> int:
        """Return at least 1: a voice with too little speech to be compared is still a person."""
        return int(self.people.max()) + 1 if len(self.people) else 1


def people_heard(
    activity: Activity, voices: Voices, first_frame: int, end_frame: int
) -> tuple[Labels, NDArray[np.bool_]]:
    """Find who is heard in each frame: the person heard best, shape (frames,), -1 for nobody; and all, (frames, people).

    In each frame, as many people are heard as the windows find on average.
    """
    windows, heard = heard_over(activity, first_frame, end_frame)
    # The windows at both ends reach further: who speaks in them decides who their local speakers are.
    reach = (windows.start * HOP_FRAMES, (windows.stop - 1) * HOP_FRAMES + WINDOW_FRAMES)
    said = _said_by_voices(voices, *reach)
    by_window = np.zeros((len(windows), WINDOW_FRAMES, voices.number_of_people), dtype=np.float32)
    for index, window in enumerate(windows):
        begin = window * HOP_FRAMES - reach[0]
        for local, person in _matched(activity[window] >= SURE, said[begin : begin + WINDOW_FRAMES]):
            np.maximum(by_window[index, :, person], heard[index, :, local], out=by_window[index, :, person])
    score = window_mean(by_window, windows, first_frame, end_frame)
    score += VOICE_WEIGHT * said[first_frame - reach[0] : end_frame - reach[0]]
    number = np.rint(window_mean(heard.sum(axis=2), windows, first_frame, end_frame)).astype(int)
    ranked = np.argsort(-score, axis=1, kind="stable")
    everybody = np.zeros(score.shape, dtype=bool)
    for rank in range(min(MAX_AT_ONCE, score.shape[1])):
        frames = np.flatnonzero(number > rank)
        everybody[frames, ranked[frames, rank]] = score[frames, ranked[frames, rank]] > MIN_SCORE
    best = np.where(everybody.any(axis=1), ranked[:, 0], -1)
    return best, everybody


def _said_by_voices(voices: Voices, first_frame: int, end_frame: int) -> NDArray[np.float32]:
    """Each person's share of the compared stretches over a frame, the nearer to a stretch's middle the more it counts."""
    said = np.zeros((end_frame - first_frame, voices.number_of_people), dtype=np.float32)
    first = int(np.searchsorted(voices.ends, frame_start(first_frame)))
    last = int(np.searchsorted(voices.starts, frame_start(end_frame)))
    for index in range(first, last):
        start, end = float(voices.starts[index]), float(voices.ends[index])
        frames = range(max(first_frame, frame_at(start)), min(end_frame, frame_at(end)))
        if frames:
            centers = frame_start(0) + (np.arange(frames.start, frames.stop) + 0.5) * (frame_start(1) - frame_start(0))
            nearness = 1 - np.abs(centers - (start + end) / 2) / ((end - start) / 2 + 0.1)
            said[frames.start - first_frame : frames.stop - first_frame, voices.people[index]] += nearness
    shares: NDArray[np.float32] = said / np.maximum(said.sum(axis=1, keepdims=True), np.float32(1e-9))
    return shares


def _matched(heard: NDArray[np.bool_], said: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Pairs of local speaker and person: one to one, with the most speech in common (the assignment of Kuhn, 1955)."""
    if said.shape[1] == 1:
        return [(local, 0) for local in range(LOCAL_SPEAKERS)]
    alone = heard & (heard.sum(axis=1, keepdims=True) == 1)
    common = alone.T.astype(np.float32) @ said
    common += PRESENCE_WEIGHT * said.mean(axis=0)
    pairs = zip(*linear_sum_assignment(common, maximize=True), strict=True)
    return [(int(local), int(person)) for local, person in pairs if heard[:, local].any() and common[local, person] > 0]
