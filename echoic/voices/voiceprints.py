"""Voiceprints: what is known of one voice in one recording, and whose it is among the voices one knows. Pure.

Vectors are compared only where the same engine made them; callers see to that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from echoic.records import Diarization, SpeakerTurn, Voiceprint, VoiceVector

MIN_STRETCH_SECONDS = 1.0
"""Shorter stretches say too little of a voice to count."""
MIN_VOICEPRINT_SECONDS = 3.0
"""Least speech of a voice alone that a voiceprint is made of."""
MAX_VOICEPRINT_SECONDS = 120.0
"""So much speech is enough: the longest stretches are taken first."""
MAX_READ_SECONDS = 30.0
"""Longer stretches are heard in parts of this length, so that memory does not grow with them."""

SAME_VOICE = 0.45
"""Least cosine at which two voiceprints are taken for one person's; chosen with bench/voices.py."""
MARGIN = 0.08
"""How much nearer than the second person the first must be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Who a voice is taken for."""

    speaker_id: int
    similarity: float
    """Cosine of the two voiceprints."""


def stretches_alone(diarization: Diarization) -> tuple[SpeakerTurn, ...]:
    """The stretches to know each voice by, in order of time: nobody else speaks, and they are long enough.

    Speakers without ``MIN_VOICEPRINT_SECONDS`` of them have none; of much speech the longest stretches are taken.
    """
    by_speaker: dict[str, list[SpeakerTurn]] = defaultdict(list)
    for stretch in _alone(diarization.turns):
        if stretch.end - stretch.start >= MIN_STRETCH_SECONDS:
            by_speaker[stretch.speaker].append(stretch)
    chosen = [stretch for stretches in by_speaker.values() for stretch in _enough(stretches)]
    return tuple(part for stretch in sorted(chosen, key=lambda each: each.start) for part in _parts(stretch))


def join_voices(parts: Iterable[tuple[VoiceVector, float]]) -> Voiceprint | None:
    """The mean of vectors, each weighted with the seconds of speech it was made of; None where those are too few."""
    parts = list(parts)
    seconds = sum(duration for _, duration in parts)
    if seconds < MIN_VOICEPRINT_SECONDS:
        return None
    total = np.sum([vector * np.float32(duration) for vector, duration in parts], axis=0)
    return Voiceprint(vector=total / max(float(np.linalg.norm(total)), 1e-9), seconds=round(seconds, 3))


def match_voices(
    voices: Mapping[str, VoiceVector], known: Mapping[int, Voiceprint], *, taken: Iterable[int] = ()
) -> dict[str, Match]:
    """For each label of a recording the person whose voice it is, where that is sure enough.

    A person is found at most once in a recording, and never one of those ``taken``: they speak under another label.
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
    """Stretches in which exactly one speaker has the word."""
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
