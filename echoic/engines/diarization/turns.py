"""Makes turns from the people heard in each frame: joined over short pauses, labelled in order of appearance. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from echoic.engines.diarization.clusters import Labels
from echoic.engines.diarization.grid import frame_start
from echoic.engines.diarization.stretches import runs
from echoic.records import Diarization, SpeakerTurn, milliseconds, speaker_label

MAX_PAUSE_SECONDS = 0.5
"""A speaker's pause up to here does not end the turn."""
MIN_TURN_SECONDS = 0.1


@dataclass(slots=True)
class _Turn:
    start: float
    end: float
    person: int


@dataclass(slots=True)
class Turns:
    """Collects the turns of a recording from its frames, which come in order, block by block."""

    duration_seconds: float
    _overlapping: dict[int, list[_Turn]] = field(default_factory=lambda: defaultdict(list))
    _exclusive: list[_Turn] = field(default_factory=list)

    def add(self, first_frame: int, best: Labels, everybody: NDArray[np.bool_]) -> None:
        """Add the frames from ``first_frame`` on: the person heard best in each, -1 for nobody, and all who are heard."""
        for person in range(everybody.shape[1]):
            for start, end in self._spans(first_frame, runs(everybody[:, person])):
                _extend(self._overlapping[person], _Turn(start, end, person))
        edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
        for left, right in pairwise(edges):
            if best[left] >= 0:
                for start, end in self._spans(first_frame, [(left, right)]):
                    _extend(self._exclusive, _Turn(start, end, int(best[left])))

    def finish(self) -> Diarization:
        """Return all turns, each list in order of time."""
        overlapping = _long_enough(turn for turns in self._overlapping.values() for turn in turns)
        names: dict[int, str] = {}
        for turn in overlapping:
            names.setdefault(turn.person, speaker_label(len(names)))
        exclusive = [turn for turn in _long_enough(self._exclusive) if turn.person in names]
        return Diarization(
            turns=tuple(_record(turn, names) for turn in overlapping),
            exclusive=tuple(_record(turn, names) for turn in exclusive),
            speakers=tuple(names.values()),
        )

    def _spans(self, first_frame: int, frames: Iterable[tuple[int, int]]) -> Iterator[tuple[float, float]]:
        for left, right in frames:
            start = min(max(0.0, frame_start(first_frame + left)), self.duration_seconds)
            end = min(frame_start(first_frame + right), self.duration_seconds)
            if end > start:
                yield start, end


def _extend(turns: list[_Turn], turn: _Turn) -> None:
    """Add a turn, or continue the last one where it is the same person's after a short pause."""
    if turns and turns[-1].person == turn.person and turn.start - turns[-1].end <= MAX_PAUSE_SECONDS:
        turns[-1].end = turn.end
    else:
        turns.append(turn)


def _long_enough(turns: Iterable[_Turn]) -> list[_Turn]:
    kept = [turn for turn in turns if turn.end - turn.start >= MIN_TURN_SECONDS]
    return sorted(kept, key=lambda turn: (turn.start, turn.end, turn.person))


def _record(turn: _Turn, names: dict[int, str]) -> SpeakerTurn:
    return SpeakerTurn(start=milliseconds(turn.start), end=milliseconds(turn.end), speaker=names[turn.person])
