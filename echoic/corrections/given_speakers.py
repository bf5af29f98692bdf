"""Finds a place in a new transcript for the speakers whom people gave to segments of the former one. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from echoic.records import Segment
from echoic.voices.relabelling import same_speakers, turns_of

WITHIN_SHARE = 0.8
"""The least share of a new segment that lies in the former one, so that the former one's speaker is its own."""
COVERED_SHARE = 0.5
"""The least share of the former segment that such new segments cover, so that its speaker has a place."""
LEAST_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """The speakers that found a place in the new transcript, and those that did not."""

    labels: Mapping[int, str | None]
    """The labels to be given, by the places of segments in the new transcript; None is nobody."""
    made: Mapping[str, str]
    """The labels among them that are new, and the former labels of the same people."""
    left: Sequence[Segment]
    """The former segments whose speaker found no place."""


def give_again(
    reassigned: Sequence[Segment],
    former: Sequence[Segment],
    said: Sequence[Segment],
    *,
    is_numbered: Callable[[str], bool],
    next_label: Callable[[Collection[str]], str],
) -> Given:
    """Give the speakers of the ``reassigned`` segments of ``former`` to the segments of ``said`` at the same times.

    A numbered label becomes the new transcript's label of the same person, or a new one from ``next_label``. Any other
    label is what a person wrote, and stays as it is.
    """
    partners = {old: new for new, old in same_speakers(turns_of(former), turns_of(said)).items()}
    taken = {segment.speaker for segment in said if segment.speaker is not None}
    labels: dict[int, str | None] = {}
    made: dict[str, str] = {}
    left = []
    for segment in reassigned:
        places = _places(segment, said)
        if not places:
            left.append(segment)
            continue
        speaker = segment.speaker
        if speaker is not None and is_numbered(speaker):
            if speaker not in partners:
                partners[speaker] = next_label(taken)
                taken.add(partners[speaker])
                made[partners[speaker]] = speaker
            speaker = partners[speaker]
        labels.update((place, speaker) for place in places if said[place].speaker != speaker)
    return Given(labels=labels, made=made, left=left)


def _places(segment: Segment, said: Sequence[Segment]) -> list[int]:
    """Return the places of the segments that lie in this one; none if they cover too little of it."""
    within = {
        place: together
        for place, other in enumerate(said)
        if (together := _together(segment, other)) >= WITHIN_SHARE * max(other.end - other.start, LEAST_SECONDS)
    }
    covered = sum(within.values()) >= COVERED_SHARE * max(segment.end - segment.start, LEAST_SECONDS)
    return list(within) if covered else []


def _together(first: Segment, second: Segment) -> float:
    return min(first.end, second.end) - max(first.start, second.start)
