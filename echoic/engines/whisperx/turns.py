"""Turns as pyannote tells them, made into a diarization. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from echoic.records import Diarization, SpeakerTurn, milliseconds, speaker_label

MIN_TURN_SECONDS = 0.1
"""Shorter ones are no turn of anybody."""


def to_diarization(
    turns: Iterable[tuple[float, float, str]],
    exclusive: Iterable[tuple[float, float, str]],
    duration_seconds: float,
) -> Diarization:
    """Make a diarization from rows of start, end (seconds) and label; labels become ``SPEAKER_00`` … in order of appearance."""
    overlapping = sorted(_joined(_within(turns, duration_seconds)), key=lambda turn: (turn.start, turn.end))
    names: dict[str, str] = {}
    for turn in overlapping:
        names.setdefault(turn.speaker, speaker_label(len(names)))
    alone = [turn for turn in _one_after_the_other(_within(exclusive, duration_seconds)) if turn.speaker in names]
    return Diarization(
        turns=tuple(replace(turn, speaker=names[turn.speaker]) for turn in overlapping),
        exclusive=tuple(replace(turn, speaker=names[turn.speaker]) for turn in alone),
        speakers=tuple(names.values()),
    )


def _within(rows: Iterable[tuple[float, float, str]], duration_seconds: float) -> list[SpeakerTurn]:
    turns = [
        SpeakerTurn(
            start=milliseconds(max(0.0, start)), end=milliseconds(min(end, duration_seconds)), speaker=str(label)
        )
        for start, end, label in rows
    ]
    return sorted((turn for turn in turns if turn.end - turn.start >= MIN_TURN_SECONDS), key=lambda turn: turn.start)


def _joined(turns: Iterable[SpeakerTurn]) -> list[SpeakerTurn]:
    """Join turns of one speaker that touch or overlap."""
    last: dict[str, SpeakerTurn] = {}
    done: list[SpeakerTurn] = []
    for turn in turns:
        before = last.get(turn.speaker)
        if before is not None and turn.start <= before.end:
            last[turn.speaker] = replace(before, end=max(before.end, turn.end))
            continue
        if before is not None:
            done.append(before)
        last[turn.speaker] = turn
    return [*done, *last.values()]


def _one_after_the_other(turns: Iterable[SpeakerTurn]) -> list[SpeakerTurn]:
    """Each turn begins when the one before has ended; what nothing is left of is dropped."""
    kept: list[SpeakerTurn] = []
    for turn in turns:
        start = max(turn.start, kept[-1].end) if kept else turn.start
        if turn.end > start:
            kept.append(replace(turn, start=start))
    return kept
