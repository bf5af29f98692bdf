"""Makes voiceprints and matches them with those of known people. Pure.

A voiceprint is a vector that describes one voice in one recording. Callers compare only vectors of the same engine.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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

SAME_VOICE = 0.45
"""The least cosine at which two voiceprints count as one person's; chosen with bench/voices.py."""
MARGIN = 0.08
"""The least lead, in cosine, of the nearest person over the second nearest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The known person whose voice it most likely is."""

    speaker_id: int
    similarity: float
    """Cosine of the two voiceprints."""


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


def match_voices(
    voices: Mapping[str, VoiceVector], known: Mapping[int, Voiceprint], *, taken: Iterable[int] = ()
) -> dict[str, Match]:
    """Match the labels of a recording with known people, where the match is sure enough.

    A person is matched at most once in a recording. Those in ``taken`` speak under another label and are not matched.
    """
    taken = set(taken)
    people = [speaker_id for speaker_id in known if speaker_id not in taken]
    if not people or not voices:
        return {}
    candidates = np.stack([known[speaker_id].vector for speaker_id in people])
    found: list[tuple[float, str, int]] = []
    for label, vector in voices.items():
        similarities = candidates @ vector
        order = np.argsort(-similarities, kind="stable")
        best = float(similarities[order[0]])
        second = float(similarities[order[1]]) if len(order) > 1 else -1.0
        if best >= SAME_VOICE and best - second >= MARGIN:
            found.append((best, label, people[int(order[0])]))
    matches: dict[str, Match] = {}
    for similarity, label, speaker_id in sorted(found, key=lambda each: (-each[0], each[1])):
        if speaker_id not in taken:
            taken.add(speaker_id)
            matches[label] = Match(speaker_id=speaker_id, similarity=round(min(similarity, 1.0), 3))
    return matches


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
