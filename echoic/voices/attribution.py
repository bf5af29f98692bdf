"""Gives each word to the speaker who speaks at its middle, and cuts segments where the speaker changes. Pure.

The turns may not overlap: a word in two turns could not be given to either with reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from echoic.records import Segment, SpeakerTurn, Word
from echoic.text.sentences import ends_clause, ends_sentence

MAX_DISTANCE_SECONDS = 2.0
"""A word outside every turn goes to the nearest turn within this distance."""
MAX_BORDER_SECONDS = 0.5
"""A word that a change of speakers parts from its sentence goes back to it from so near the change."""
MAX_PAUSE_SECONDS = 0.3
"""The longest pause before or after such a word: behind a longer one, the word may well stand alone."""


def attribute(segments: Sequence[Segment], exclusive: Sequence[SpeakerTurn]) -> tuple[Segment, ...]:
    """Return the same words in the same order, each with its speaker if one is near.

    A segment in which the speaker changes becomes several segments; a single word that is parted from its sentence by
    that, such as *Thank | you*, goes to the speaker of the sentence. A word far from every turn gets the speaker of its
    neighbors in the segment. ``exclusive`` has the turns in order and without overlap. The time is linear in words and
    turns; words out of order are attributed correctly, but take longer.
    """
    sweep = _Sweep(exclusive)
    return tuple(part for segment in segments for part in _attributed(segment, sweep))


class _Sweep:
    """A cursor over the turns that moves to the times it is asked about."""

    def __init__(self, turns: Sequence[SpeakerTurn]) -> None:
        self._turns = turns
        self._index = 0

    def at(self, seconds: float) -> str | None:
        """Return the speaker at a moment, or of the nearest turn within ``MAX_DISTANCE_SECONDS``."""
        self._move_to(seconds)
        # The turn at the index is the first that ends later. If it has begun it wins, even if the turn before it ends
        # at this very moment.
        near = [*self._turns[self._index : self._index + 1], *self._turns[max(0, self._index - 1) : self._index]]
        nearest = min(near, key=lambda turn: _distance(turn, seconds), default=None)
        if nearest is None or _distance(nearest, seconds) > MAX_DISTANCE_SECONDS:
            return None
        return nearest.speaker

    def between(self, start: float, end: float) -> str | None:
        """Return the speaker with the largest share of a stretch, or else of the turn nearest to its middle."""
        self._move_to(start)
        shares: dict[str, float] = {}
        for index in range(self._index, len(self._turns)):
            turn = self._turns[index]
            if turn.start >= end:
                break
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + min(end, turn.end) - max(start, turn.start)
        return max(shares, key=lambda speaker: shares[speaker]) if shares else self.at((start + end) / 2)

    def reaches(self, speaker: str | None, seconds: float) -> bool:
        """Return whether the speaker has a turn within ``MAX_BORDER_SECONDS`` of a moment."""
        self._move_to(seconds)
        near = self._turns[max(0, self._index - 1) : self._index + 2]
        return any(turn.speaker == speaker and _distance(turn, seconds) <= MAX_BORDER_SECONDS for turn in near)

    def _move_to(self, seconds: float) -> None:
        while self._index < len(self._turns) and self._turns[self._index].end <= seconds:
            self._index += 1
        while self._index > 0 and self._turns[self._index - 1].end > seconds:
            self._index -= 1


def _distance(turn: SpeakerTurn, seconds: float) -> float:
    return max(turn.start - seconds, seconds - turn.end, 0.0)


def _attributed(segment: Segment, sweep: _Sweep) -> Iterator[Segment]:
    if not segment.words:
        yield replace(segment, speaker=sweep.between(segment.start, segment.end))
        return
    speakers = _filled([sweep.at((word.start + word.end) / 2) for word in segment.words])
    _join_lone_words(segment.words, speakers, sweep)
    words = [replace(word, speaker=speaker) for word, speaker in zip(segment.words, speakers, strict=True)]
    groups = [tuple(group) for _, group in groupby(words, key=lambda word: word.speaker)]
    if len(groups) == 1:
        yield replace(segment, words=groups[0], speaker=speakers[0])
        return
    for number, (group, text) in enumerate(zip(groups, _texts(segment.text, groups), strict=True)):
        yield replace(
            segment,
            start=segment.start if number == 0 else group[0].start,
            end=segment.end if number == len(groups) - 1 else group[-1].end,
            text=text,
            words=group,
            speaker=group[0].speaker,
            confidence=round(sum(word.score for word in group) / len(group), 3),
        )


def _join_lone_words(words: Sequence[Word], speakers: list[str | None], sweep: _Sweep) -> None:
    """Give a single word between two changes to the speaker before or after it, if it goes on with what that one says.

    A sentence of two words goes to the speaker who has most of it.
    """
    if len(words) == 2 and speakers[0] != speakers[1]:  # noqa: PLR2004 - as said
        most = sweep.between(words[0].start, words[1].end)
        if most in speakers and _go_on(words[0], words[1], most, sweep):
            speakers[:] = [most, most]
        return
    for index, word in enumerate(words):
        is_first, is_last = index == 0, index + 1 == len(words)
        if (not is_first and speakers[index - 1] == speakers[index]) or (
            not is_last and speakers[index + 1] == speakers[index]
        ):
            continue
        if not is_first and _go_on(words[index - 1], word, speakers[index - 1], sweep):
            speakers[index] = speakers[index - 1]
        elif not is_last and _go_on(word, words[index + 1], speakers[index + 1], sweep):
            speakers[index] = speakers[index + 1]


def _go_on(word: Word, following: Word, speaker: str | None, sweep: _Sweep) -> bool:
    """Return whether two words are of one sentence, and the speaker of one is near enough to have said both."""
    return (
        following.start - word.end < MAX_PAUSE_SECONDS
        and not (ends_sentence(word.text) or ends_clause(word.text))
        and sweep.reaches(speaker, (word.start + word.end) / 2)
        and sweep.reaches(speaker, (following.start + following.end) / 2)
    )


def _filled(speakers: list[str | None]) -> list[str | None]:
    """Replace None by the speaker before it, and at the start by the first speaker."""
    current = next((speaker for speaker in speakers if speaker is not None), None)
    filled = []
    for speaker in speakers:
        current = speaker or current
        filled.append(current)
    return filled


def _texts(text: str, groups: Sequence[tuple[Word, ...]]) -> list[str]:
    """Cut the segment's text between the groups of words; where text and words differ, join the words."""
    starts: list[int] = []
    cursor = 0
    for group in groups:
        for number, word in enumerate(group):
            found = text.find(word.text, cursor)
            if found < 0:
                return [" ".join(word.text for word in group) for group in groups]
            if number == 0:
                starts.append(found)
            cursor = found + len(word.text)
    return [text[left:right].strip() for left, right in pairwise([0, *starts[1:], len(text)])]
