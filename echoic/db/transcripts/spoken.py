"""The speaker of each segment: the label that the engines heard, and the one that people put in its place."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.transcripts.corrections import states_before, states_of_engines
from echoic.db.transcripts.transcripts import Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """The time of a segment and the labels of its speaker; None is nobody."""

    start: float
    end: float
    heard: str | None
    """As the engines made it."""
    said: str | None
    """In the version that is asked for."""


async def spoken_in(session: AsyncSession, transcript_id: int, version: int) -> list[Spoken]:
    """Return who speaks in the segments of a version, in order."""
    heard = await states_of_engines(session, transcript_id)
    later = await states_before(session, transcript_id, version)
    rows = await session.execute(
        select(Segment.position, Segment.start, Segment.end, Segment.speaker)
        .where(Segment.transcript_id == transcript_id)
        .order_by(Segment.position)
    )
    return [
        Spoken(
            start=row.start,
            end=row.end,
            heard=heard[row.position]["speaker"] if row.position in heard else row.speaker,
            said=later[row.position]["speaker"] if row.position in later else row.speaker,
        )
        for row in rows
    ]
