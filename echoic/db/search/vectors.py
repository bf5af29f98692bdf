"""The vectors of a transcript's segments."""

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.search.index import SegmentEmbedding
from echoic.db.search.prepare import has_vectors
from echoic.db.transcripts.transcripts import Segment


async def vectors_of(session: AsyncSession, transcript_id: int) -> dict[int, np.ndarray]:
    """Return the vectors of a transcript's segments by their place in it; none where search by meaning is not possible."""
    if not await has_vectors(session):  # kept as plain arrays, which nothing compares
        return {}
    rows = await session.execute(
        select(Segment.position, SegmentEmbedding.vector)
        .join(SegmentEmbedding, SegmentEmbedding.segment_id == Segment.id)
        .where(Segment.transcript_id == transcript_id)
    )
    return {position: np.asarray(vector, dtype=np.float32) for position, vector in rows}
