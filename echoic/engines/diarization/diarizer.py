"""The diarizer of the default installation: two passes over the recording, then clusters and turns.

Pass one finds who of at most three local speakers is heard when, window by window; pass two compares the voices of those
who speak alone. Between and after them only activity (1.8 KB a window) and vectors (0.8 KB for each) are held.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from echoic.engines.diarization.attribution import Voices, people_heard
from echoic.engines.diarization.clusters import SHORT_SPEECH_SECONDS, cluster_surest
from echoic.engines.diarization.grid import HOP_FRAMES, frame_count, frame_start, window_count
from echoic.engines.diarization.segmentation import Activity, segment
from echoic.engines.diarization.stretches import lone_stretches
from echoic.engines.diarization.turns import Turns
from echoic.engines.diarization.voices import (
    FEATURES_A_SECOND,
    Features,
    feature_count,
    features_of,
    upper_level,
    vectors_of,
)
from echoic.engines.diarization.weights import CAMPPLUS, SEGMENTATION, open_session
from echoic.engines.protocols import MIN_VOICE_SECONDS, AudioReader, DiarizeOptions
from echoic.records import Diarization, Embeddings, EngineId
from echoic.units import SAMPLE_RATE

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BLOCK_FRAMES = 50 * HOP_FRAMES
"""About 100 s, worked on at once."""
SEGMENTATION_SHARE = 0.35
"""The share of the first pass in the time of both."""

VOICE_SECONDS = 1.5
"""Length of speech that one vector is made of, or less where a stretch is shorter."""
VOICE_HOP_SECONDS = 0.75
SURE_VOICE_SECONDS = 1.0
"""Vectors of less speech scatter too much to say how many people there are."""

SHORT_SURE_VOICE_SECONDS = 0.6
"""``SURE_VOICE_SECONDS`` where there is little speech."""
SHORT_FINER = 0.03
"""Where there is little speech, people are found by a threshold that is so much lower; at 0.06 some became two."""

SAME_VOICE = 0.52
"""Mean cosine distance up to which two clusters are one person: the middle of what works, 0.50 to 0.55."""
SAME_VOICE_BY_TELEPHONE = 0.45
"""The same where the upper half of the band is missing, which makes all voices more alike."""
TELEPHONE_LEVEL = -5.0
"""Below this ``upper_level`` a recording lacks the band above telephony, by line or by age; telephony has about -9, what
has the whole band more than -1.5."""


class OnnxDiarizer:
    """segmentation-3.0 and CAM++, on the processor or the GPU of that number."""

    def __init__(self, engine_id: EngineId, *, threads: int, cuda_index: int | None = None) -> None:
        """Load both models; raises ``errors.ModelMissing`` and ``errors.EngineFailed``."""
        self.id = engine_id
        self._segmentation: InferenceSession | None = open_session(SEGMENTATION, threads=threads, cuda_index=cuda_index)
        self._voices: InferenceSession | None = open_session(CAMPPLUS, threads=threads, cuda_index=cuda_index)

    def diarize(
        self,
        read: AudioReader,
        duration_seconds: float,
        *,
        options: DiarizeOptions,
        on_progress: Callable[[float], None] | None = None,
    ) -> Diarization:
        if self._segmentation is None or self._voices is None:
            raise RuntimeError("The diarizer was closed.")
        report = _Progress(duration_seconds, on_progress)
        windows = window_count(round(duration_seconds * SAMPLE_RATE))
        activity = segment(self._segmentation, read, windows, lambda done: report(SEGMENTATION_SHARE * done / windows))
        heard = _listen(self._voices, read, activity, report)
        labels = cluster_surest(heard.vectors, heard.seconds, heard.sure, heard.threshold, options)
        voices = Voices(starts=heard.starts, ends=heard.ends, people=labels)
        turns = Turns(duration_seconds)
        for first, end in _blocks(activity):
            turns.add(first, *people_heard(activity, voices, first, end))
        report(1.0)
        return turns.finish()

    def close(self) -> None:
        self._segmentation = None
        self._voices = None


@dataclass(slots=True)
class _Progress:
    """Turns a share of the work into seconds of audio that never fall."""

    duration_seconds: float
    on_progress: Callable[[float], None] | None

    def __call__(self, share: float) -> None:
        if self.on_progress is not None:
            self.on_progress(min(share, 1.0) * self.duration_seconds)


@dataclass(slots=True)
class _Heard:
    """The voices of those who speak alone."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    parts: list[Embeddings] = field(default_factory=list)
    upper_levels: list[tuple[float, int]] = field(default_factory=list)
    """Level of the upper band and feature frames, of each stretch."""

    def add(self, session: "InferenceSession", read: AudioReader, stretches: list[tuple[float, float]]) -> None:
        """Compare the voices in further stretches, which follow each other closely: they are read at once."""
        origin = round(stretches[0][0] * SAMPLE_RATE)
        audio = read(origin / SAMPLE_RATE, stretches[-1][1])
        windows: list[Features] = []
        for start, end in stretches:
            features = features_of(audio[round(start * SAMPLE_RATE) - origin : round(end * SAMPLE_RATE) - origin])
            if len(features) < _features_in(MIN_VOICE_SECONDS):
                continue
            self.upper_levels.append((upper_level(features), len(features)))
            for offset, length in _windows_in(len(features)):
                windows.append(features[offset : offset + length])
                begin = start + offset / FEATURES_A_SECOND
                self.spans.append((begin, begin + _seconds_of(length)))
        self.parts.append(vectors_of(session, windows))

    @property
    def vectors(self) -> Embeddings:
        return np.concatenate(self.parts) if self.parts else np.zeros((0, 1), dtype=np.float32)

    @property
    def starts(self) -> NDArray[np.float64]:
        return np.array([start for start, _ in self.spans])

    @property
    def ends(self) -> NDArray[np.float64]:
        return np.array([end for _, end in self.spans])

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Speech that each vector stands for: what two share counts half for each."""
        seconds = self.ends - self.starts
        shared = np.maximum(0, self.ends[:-1] - self.starts[1:]) / 2
        seconds[:-1] -= shared
        seconds[1:] -= shared
        return seconds

    @property
    def is_short(self) -> bool:
        """Return whether there is little speech."""
        return float(self.seconds.sum()) < SHORT_SPEECH_SECONDS

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Mark the vectors of enough speech to find people by."""
        return self.ends - self.starts >= (SHORT_SURE_VOICE_SECONDS if self.is_short else SURE_VOICE_SECONDS)

    @property
    def threshold(self) -> float:
        frames = sum(count for _, count in self.upper_levels)
        level = sum(level * count for level, count in self.upper_levels) / max(frames, 1)
        threshold = SAME_VOICE_BY_TELEPHONE if level < TELEPHONE_LEVEL else SAME_VOICE
        return threshold - SHORT_FINER if self.is_short else threshold


def _listen(session: "InferenceSession", read: AudioReader, activity: Activity, report: _Progress) -> _Heard:
    heard = _Heard()
    frames = frame_count(len(activity))
    for first, end in _blocks(activity):
        stretches = lone_stretches(activity, first, end)
        if stretches:
            heard.add(session, read, [(max(0.0, frame_start(left)), frame_start(right)) for left, right in stretches])
        report(SEGMENTATION_SHARE + (1 - SEGMENTATION_SHARE) * end / frames)
    return heard


def _windows_in(features: int) -> list[tuple[int, int]]:
    """Offset and length of the windows in a stretch of features: as long as can be, evenly laid from end to end."""
    length = min(features, _features_in(VOICE_SECONDS))
    left = features - length
    steps = math.ceil(left / (VOICE_HOP_SECONDS * FEATURES_A_SECOND))
    return [(round(left * step / steps) if steps else 0, length) for step in range(steps + 1)]


def _features_in(seconds: float) -> int:
    return feature_count(round(seconds * SAMPLE_RATE))


def _seconds_of(features: int) -> float:
    return (features + 1.5) / FEATURES_A_SECOND


def _blocks(activity: Activity) -> list[tuple[int, int]]:
    frames = frame_count(len(activity))
    return [(first, min(first + BLOCK_FRAMES, frames)) for first in range(0, frames, BLOCK_FRAMES)]
