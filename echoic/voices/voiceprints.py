"""Makes voiceprints of what is said alone. Pure.

A voiceprint is a vector that describes one voice in one recording. Callers compare only vectors of the same engine.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from echoic.records import Diarization, SpeakerTurn, Voiceprint, VoiceVector

MIN_STRETCH_SECONDS = 1.0
"""Shorter stretches say too little of a voice, and are left out."""
MIN_VOICEPRINT_SECONDS = 3.0
"""The least speech of one voice alone from which a voiceprint is made."""
MAX_VOICEPRINT_SECONDS = 120.0
"""The most speech that is used; the longest stretches are taken first."""
MAX_READ_SECONDS = 30.0
"""Longer stretches are read in parts of this length, so that memory stays flat."""


def stretches_alone(diarization: Diarization) -> tuple[SpeakerTurn, ...]:
    """Return the stretches from which each speaker's voiceprint is made, in order of time.

    In each stretch only that speaker speaks. A speaker whose stretches last less than ``MIN_VOICEPRINT_SECONDS`` in all
    gets none. Of more than ``MAX_VOICEPRINT_SECONDS`` the longest stretches are taken, up to that time. Long stretches
    are cut into parts of at most ``MAX_READ_SECONDS``.
    """
    by_speaker: dict[str, list[SpeakerTurn]] = defaultdict(list)
    for stretch in _alone(diarization.turns):
        if stretch.end - stretch.start >= MIN_STRETCH_SECONDS:
            by_speaker[stretch.speaker].append(stretch)
    chosen = [stretch for stretches in by_speaker.values() for stretch in _enough(stretches)]
    return tuple(part for stretch in sorted(chosen, key=lambda each: each.start) for part in _parts(stretch))


def join_voices(parts: Iterable[tuple[VoiceVector, float]]) -> Voiceprint | None:
    """Average vectors, weighted with the seconds of speech they were made from.

    Returns None if the sum of the seconds is below ``MIN_VOICEPRINT_SECONDS``.
    """
    parts = list(parts)
    seconds = sum(duration for _, duration in parts)
    if seconds < MIN_VOICEPRINT_SECONDS:
        return None
    total = np.sum([vector * np.float32(duration) for vector, duration in parts], axis=0)
    return Voiceprint(vector=total / max(float(np.linalg.norm(total)), 1e-9), seconds=round(seconds, 3))


def _alone(turns: Iterable[SpeakerTurn]) -> Iterable[SpeakerTurn]:
    """Yield the stretches in which exactly one speaker speaks."""
    changes = sorted(
        [(turn.start, 1, turn.speaker) for turn in turns] + [(turn.end, -1, turn.speaker) for turn in turns]
    )
    speaking: dict[str, int] = defaultdict(int)
    since = 0.0
    for moment, change, speaker in changes:
        heard = [each for each, count in speaking.items() if count > 0]
        if len(heard) == 1 and moment > since:
            yield SpeakerTurn(start=since, end=moment, speaker=heard[0])
        speaking[speaker] += change
        since = moment


def _enough(stretches: list[SpeakerTurn]) -> list[SpeakerTurn]:
    chosen: list[SpeakerTurn] = []
    seconds = 0.0
    for stretch in sorted(stretches, key=lambda each: (each.start - each.end, each.start)):
        if seconds >= MAX_VOICEPRINT_SECONDS:
            break
        end = min(stretch.end, stretch.start + MAX_VOICEPRINT_SECONDS - seconds)
        if end - stretch.start >= MIN_STRETCH_SECONDS:
            chosen.append(SpeakerTurn(start=stretch.start, end=end, speaker=stretch.speaker))
        seconds += end - stretch.start
    return chosen if seconds >= MIN_VOICEPRINT_SECONDS else []


def _parts(stretch: SpeakerTurn) -> Iterable[SpeakerTurn]:
    seconds = stretch.end - stretch.start
    number = int(np.ceil(seconds / MAX_READ_SECONDS))
    for index in range(number):
        yield SpeakerTurn(
            start=stretch.start + seconds * index / number,
            end=stretch.start + seconds * (index + 1) / number,
            speaker=stretch.speaker,
        )
