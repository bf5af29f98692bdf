"""Carries the names and voices of one transcript's labels over to another transcript of the item."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.speakers import appearances
from echoic.db.transcripts import transcripts
from echoic.records import Segment, SpeakerTurn

LEAST_SHARE = 0.5
"""The least share of a new label's speech that must have been the old label's."""


def same_speakers(before: Sequence[SpeakerTurn], after: Sequence[SpeakerTurn]) -> dict[str, str]:
    """Map new labels to the old labels of the same people, one to one, those with most speech in common first. Pure.

    Both sequences are in the order of their starts.
    """
    common: dict[tuple[str, str], float] = defaultdict(float)
    spoken: dict[str, float] = defaultdict(float)
    first = 0
    for turn in after:
        spoken[turn.speaker] += turn.end - turn.start
        while first < len(before) and before[first].end <= turn.start:
            first += 1
        for index in range(first, len(before)):
            other = before[index]
            if other.start >= turn.end:
                break
            together = min(turn.end, other.end) - max(turn.start, other.start)
            common[turn.speaker, other.speaker] += max(together, 0.0)
    found: dict[str, str] = {}
    for (new, old), seconds in sorted(common.items(), key=lambda each: (-each[1], each[0])):
        if new not in found and old not in found.values() and seconds >= LEAST_SHARE * spoken[new]:
            found[new] = old
    return found


async def keep_names(session: AsyncSession, *, item_id: int, before: int, after: int) -> None:
    """Carry the names that people gave to labels, and the labels' voices, from one transcript to another.

    The segments say who spoke when, not the diarization, since people may have added labels. The caller holds the
    library's lock on voices.
    """
    pairs = same_speakers(await _turns(session, before), await _turns(session, after))
    await appearances.move_voices(session, item_id=item_id, before=before, after=after, pairs=pairs)
    await appearances.copy_names(session, item_id=item_id, before=before, after=after, pairs=pairs)
    await appearances.forget_voices(session, before)


async def take_voices_back(session: AsyncSession, *, item_id: int, before: int, after: int) -> None:
    """Carry the voices of the labels in ``before`` back to the former transcript ``after``.

    The names in ``after`` stay as people left them. Voices from which people are recognized are learned from ``after``
    again, and ``before`` keeps none. The caller holds the library's lock on voices.
    """
    pairs = same_speakers(await _turns(session, before), await _turns(session, after))
    await appearances.move_voices(session, item_id=item_id, before=before, after=after, pairs=pairs)
    await appearances.learn_again(session, before=before, after=after, pairs=pairs)
    await appearances.forget_voices(session, before)


def turns_of(segments: Iterable[Segment]) -> list[SpeakerTurn]:
    """Return the segments that have a speaker, as turns in the order of their starts."""
    turns = [
        SpeakerTurn(start=segment.start, end=segment.end, speaker=segment.speaker)
        for segment in segments
        if segment.speaker is not None
    ]
    return sorted(turns, key=lambda turn: turn.start)


async def _turns(session: AsyncSession, transcript_id: int) -> list[SpeakerTurn]:
    return turns_of(map(transcripts.as_record, await transcripts.list_segments(session, transcript_id)))
