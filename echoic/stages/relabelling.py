"""What people said of an earlier transcript's speakers, kept when the item is transcribed again."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db import appearances, items, transcripts
from echoic.db.speakers import lock_voices
from echoic.records import SpeakerTurn
from echoic.stages.recognition import recognize

LEAST_SHARE = 0.5
"""Of a new label's speech that must have been the old label's."""


def same_speakers(before: Sequence[SpeakerTurn], after: Sequence[SpeakerTurn]) -> dict[str, str]:
    """For each new label the old one of the same person: one to one, those with most speech in common first. Pure.

    Both are in order of their starts.
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
    """Give what people said of one transcript's labels to another's, and forget the former with its voices.

    Who spoke when is read from the segments: people may have made other labels than the diarization has.
    """
    dataset = await items.dataset_of_item(session, item_id)
    old, new = await _turns(session, before), await _turns(session, after)
    if dataset is None or not new:
        return
    await lock_voices(session, dataset.library_id)
    pairs = same_speakers(old, new)
    await appearances.move_names(session, item_id=item_id, before=before, after=after, pairs=pairs)
    # Whoever has a name again was perhaps recognized under another label, too.
    await recognize(session, dataset.library_id, [after])


async def _turns(session: AsyncSession, transcript_id: int) -> list[SpeakerTurn]:
    turns = [
        SpeakerTurn(start=segment.start, end=segment.end, speaker=segment.speaker)
        for segment in await transcripts.list_segments(session, transcript_id)
        if segment.speaker is not None
    ]
    return sorted(turns, key=lambda turn: turn.start)
