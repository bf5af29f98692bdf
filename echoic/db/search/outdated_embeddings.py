"""Embeddings of another model than the one that is used now, and how many there are.

They are replaced where they are: a segment that is corrected meanwhile loses its row, so nothing is stored for its former text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.index import SegmentEmbedding
from echoic.db.transcripts.transcripts import Segment
from echoic.records import Embeddings


@dataclass(frozen=True, kw_only=True, slots=True)
class Outdated:
    """A segment whose embedding another model made."""

    segment_id: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """The number of segments with an embedding, and of those that the given model made."""

    segments: int
    by_model: int


async def any_outdated(session: AsyncSession, *, model: str) -> bool:
    """Return whether there is an embedding of another model; one look at the index of models."""
    return bool(await session.scalar(select(exists(select(SegmentEmbedding.segment_id).where(_of_others(model))))))


async def count_embedded(session: AsyncSession, *, model: str) -> Embedded:
    """Count the embeddings in all and those of a model; this reads the whole index of models."""
    row = (
        await session.execute(
            select(func.count(), func.count().filter(SegmentEmbedding.model == model)).select_from(SegmentEmbedding)
        )
    ).one()
    return Embedded(segments=row[0], by_model=row[1])


async def list_outdated(session: AsyncSession, *, model: str, limit: int) -> list[Outdated]:
    """Return segments of one transcript, the newest that has any with an embedding of another model."""
    newest = select(func.max(SegmentEmbedding.transcript_id)).where(_of_others(model)).scalar_subquery()
    rows = await session.execute(
        select(SegmentEmbedding.segment_id, Segment.text)
        .join(Segment, Segment.id == SegmentEmbedding.segment_id)
        .where(SegmentEmbedding.transcript_id == newest, _of_others(model))
        .order_by(SegmentEmbedding.segment_id)
        .limit(limit)
    )
    return [Outdated(segment_id=row.segment_id, text=row.text) for row in rows]


async def replace_outdated(
    session: AsyncSession, outdated: Sequence[Outdated], *, model: str, vectors: Embeddings
) -> None:
    """Store what the segments mean, shape (segments, dimensions), but for those that have been corrected meanwhile.

    In the order of their ids: two servers that wait for each other's rows would deadlock.
    """
    if not outdated:
        return
    await session.execute(
        text(
            "UPDATE segment_embeddings SET model = :model, vector = CAST(:vector AS real[]) "
            "WHERE segment_id = :segment_id AND model <> :model"
        ),
        [
            {"segment_id": one.segment_id, "model": model, "vector": vector.tolist()}
            for one, vector in sorted(zip(outdated, vectors, strict=True), key=lambda pair: pair[0].segment_id)
        ],
    )


def _of_others(model: str) -> ColumnElement[bool]:
    # An index serves two ranges, but no inequality.
    return or_(SegmentEmbedding.model < model, SegmentEmbedding.model > model)
