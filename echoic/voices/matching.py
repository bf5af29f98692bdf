"""Matches voices with those of known people: a name where it is sure enough, a suggestion where it is possible. Pure.

The more people are known, the nearer the nearest of them is to a stranger, and a poor line makes all voices more alike or
less. So where many people are known, a voice is compared by its lead: its cosine less what the known people next to it have,
which is the symmetric normalization of scores with a cohort (AS-norm; Matejka et al., 2017) without its scale, which helped
nothing. The cohort is the library's own known people: no voice of anybody else is carried or kept for it, and it has the
language and the microphones of the library. Callers compare only vectors of the same engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

from echoic.records import Embeddings, Voiceprint


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The likeness that voices must have; chosen with bench/voices.py for at most 1 % of strangers with a name."""

    same: float = 0.45
    """The least cosine for a name where one person is known."""
    tenfold: float = 0.055
    """What is added to it where ten times as many are known, as long as there is no cohort."""
    lead: float = 0.26
    """The least lead for a name where there is a cohort; the cosine is at least ``same`` as well."""
    margin: float = 0.08
    """The least distance, in cosine, of the nearest person from the second nearest, for a name."""
    short: float = 0.03
    """What is added to the marks for a name after ``SHORTEST_SECONDS``, and less and less up to ``LONG_SECONDS``."""
    possible: float = 0.09
    """A suggestion may be that much below the marks for a name."""


MARKS = Marks()
COHORT_PEOPLE = 50
"""The least number of known people that are a cohort: with fewer, the next ones are no measure of how near strangers come."""
NEXT_PEOPLE = 10
"""The people of the cohort that a voice is compared with: those whose voices are most like it."""
SHORTEST_SECONDS = 3.0
LONG_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The known person whose voice it most likely is."""

    speaker_id: int
    similarity: float
    """Cosine of the two voiceprints."""
    sure: bool
    """Whether it is enough for a name; otherwise somebody is asked."""


def match_voices(
    voices: Mapping[str, Voiceprint],
    known: Mapping[int, Voiceprint],
    *,
    taken: Iterable[int] = (),
    marks: Marks = MARKS,
) -> dict[str, Match]:
    """Match the labels of a recording with known people.

    A person is surely matched at most once in a recording. Those in ``taken`` speak under another label and are not
    matched.
    """
    taken = set(taken)
    people = [speaker_id for speaker_id in known if speaker_id not in taken]
    if not people or not voices:
        return {}
    candidates = np.stack([known[speaker_id].vector for speaker_id in people])
    nearest = {label: _nearest(voice, candidates, people, marks) for label, voice in voices.items()}
    found = [(label, match) for label, match in nearest.items() if match is not None]
    matches: dict[str, Match] = {}
    for label, match in sorted(found, key=lambda each: (not each[1].sure, -each[1].similarity, each[0])):
        if match.speaker_id not in taken:
            matches[label] = match
            if match.sure:
                taken.add(match.speaker_id)
    return matches


def _nearest(voice: Voiceprint, candidates: Embeddings, people: Sequence[int], marks: Marks) -> Match | None:
    similarities = candidates @ voice.vector
    best = int(similarities.argmax())
    cosine = float(similarities[best])
    others = np.delete(similarities, best)
    if len(people) >= COHORT_PEOPLE:
        theirs = np.delete(candidates @ candidates[best], best)
        above = min(cosine - (_next(others) + _next(theirs)) / 2 - marks.lead, cosine - marks.same)
    else:
        above = cosine - marks.same - marks.tenfold * log10(len(people))
    brief = (LONG_SECONDS - max(voice.seconds, SHORTEST_SECONDS)) / (LONG_SECONDS - SHORTEST_SECONDS)
    sure = above >= marks.short * max(brief, 0.0) and (not len(others) or cosine - float(others.max()) >= marks.margin)
    if not sure and above < -marks.possible:
        return None
    return Match(speaker_id=people[best], similarity=round(min(cosine, 1.0), 3), sure=sure)


def _next(similarities: NDArray[np.float32]) -> float:
    return float(np.partition(similarities, -NEXT_PEOPLE)[-NEXT_PEOPLE:].mean())
