"""Segments that are to be embedded again, because their text was corrected after they were embedded.

Nobody locks what is waited for: a mark carries its time, and whoever has made a vector stores it only where the mark is
still the one it was made for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, bindparam, delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, among
from echoic.db.connect import Database
from echoic.db.reads import Query
from echoic.db.search.index import SegmentEmbedding
from echoic.db.search.index_write import store_embeddings
from echoic.db.transcripts.transcripts import Segment
from echoic.records import Embeddings


class StaleMeaning(Base):
    """A mark on a segment; its vector is gone until there is a new one."""

    __tablename__ = "stale_meanings"

    segment_id: Mapped[int] = mapped_column(
        ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    since: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """A segment that waits for its meaning."""

    segment_id: int
    since: datetime
    text: str


async def make_stale(session: AsyncSession, segment_ids: Collection[int]) -> None:
    """Take away what these segments meant, and mark them."""
    if not segment_ids:
        return
    mark = insert(StaleMeaning).on_conflict_do_update(
        index_elements=[StaleMeaning.segment_id], set_={"since": func.clock_timestamp()}
    )
    await session.execute(mark, [{"segment_id": segment_id} for segment_id in sorted(segment_ids)])
    # After the mark: whoever has just stored a vector for the former text is waited for there.
    await session.execute(delete(SegmentEmbedding).where(among(SegmentEmbedding.segment_id, segment_ids)))


_STALE = Query(
    select(StaleMeaning.segment_id, StaleMeaning.since, Segment.text)
    .join(Segment, Segment.id == StaleMeaning.segment_id)
    .order_by(StaleMeaning.segment_id)
    .limit(bindparam("limit", type_=BigInteger))
)


async def list_stale(database: Database, *, limit: int) -> list[Stale]:
    """Return segments that wait. Raises DatabaseUnavailable."""
    rows = await database.read(_STALE, limit=limit)
    return [Stale(segment_id=segment_id, since=since, text=words) for segment_id, since, words in rows]


async def store_meanings(session: AsyncSession, stale: Sequence[Stale], *, model: str, vectors: Embeddings) -> None:
    """Store what the segments mean, shape (segments, dimensions), but for those that have been corrected meanwhile.

    Texts that are empty mean nothing: their marks go.
    """
    marks = [(one.segment_id, one.since) for one in stale]
    done = await session.scalars(
        delete(StaleMeaning)
        .where(tuple_(StaleMeaning.segment_id, StaleMeaning.since).in_(marks))
        .returning(StaleMeaning.segment_id)
    )
    current = set(done)
    kept = [number for number, one in enumerate(stale) if one.segment_id in current and one.text]
    await store_embeddings(
        session, segment_ids=[stale[number].segment_id for number in kept], model=model, vectors=vectors[kept]
    )
