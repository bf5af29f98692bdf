"""Speaking times of people, and the places where each voice can be heard by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Double, Numeric, cast, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.selectable import LateralFromClause

from echoic.db.base import among
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker
from echoic.db.transcripts.transcripts import Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceSample:
    """A stretch of an item in which somebody speaks, in seconds from its start."""

    item_id: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaking:
    """All that somebody says, and where a sample of it is."""

    seconds: float
    sample: VoiceSample


_SPOKEN = Segment.end - Segment.start
SPOKEN_SECONDS = cast(func.round(cast(func.sum(_SPOKEN), Numeric), 3), Double)
"""To the millisecond, as the times are that are added up: a sum of floats is 9.319999999999999."""


async def speaking_of(
    session: AsyncSession, speaker_ids: Sequence[int], *, published_only: bool
) -> Mapping[int, Speaking]:
    """Return people's speaking times in all or in published items, and a sample of each voice; silent people are left out.

    A sample is taken from where a person said who speaks, before one that was only recognized by voice.
    """
    labels = (
        select(
            ItemSpeaker.speaker_id,
            ItemSpeaker.item_id,
            ItemSpeaker.transcript_id,
            ItemSpeaker.label,
            ItemSpeaker.how,
            SPOKEN_SECONDS.label("seconds"),
            func.max(_SPOKEN).label("longest"),
        )
        .join(Item, Item.transcript_id == ItemSpeaker.transcript_id)
        .join(Segment, (Segment.transcript_id == ItemSpeaker.transcript_id) & (Segment.speaker == ItemSpeaker.label))
        .where(among(ItemSpeaker.speaker_id, speaker_ids), (Item.status == "published") if published_only else true())
        .group_by(ItemSpeaker.id)
        .cte("labels")
    )
    together = func.round(cast(func.sum(labels.c.seconds).over(partition_by=labels.c.speaker_id), Numeric), 3)
    best = (
        select(labels, cast(together, Double).label("together"))
        .ext(distinct_on(labels.c.speaker_id))
        .order_by(labels.c.speaker_id, labels.c.how == "matched", labels.c.longest.desc(), labels.c.item_id.desc())
        .subquery("best")
    )
    sample = longest_segment(best.c.transcript_id, best.c.label)
    rows = await session.execute(
        select(best.c.speaker_id, best.c.together, best.c.item_id, sample.c.start, sample.c.end).join(sample, true())
    )
    return {
        row.speaker_id: Speaking(
            seconds=row.together, sample=VoiceSample(item_id=row.item_id, start=row.start, end=row.end)
        )
        for row in rows
    }


def longest_segment(transcript_id: object, label: object) -> LateralFromClause:
    """For a statement: ``start`` and ``end`` of the longest segment under a label of a transcript."""
    return (
        select(Segment.start.label("start"), Segment.end.label("end"))
        .where(Segment.transcript_id == transcript_id, Segment.speaker == label)
        .order_by(_SPOKEN.desc(), Segment.position)
        .limit(1)
        .lateral("sample")
    )
