"""Titles and sentences of chapters that a language model wrote, each of one version of one transcript."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, delete, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt
from echoic.db.items.items import Item
from echoic.db.transcripts.transcripts import Transcript
from echoic.records import JsonObject


class WrittenChapter(Base):
    """A title and sentences that a model wrote of one chapter. ``sentences`` are objects with text and citations: start, end and quote."""

    __tablename__ = "written_chapters"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    start_seconds: Mapped[float] = mapped_column(primary_key=True)
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    end_seconds: Mapped[float]
    title: Mapped[str | None]
    sentences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    model: Mapped[str]
    written_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextVersion:
    """The version of a transcript that is written about."""

    item_id: int
    transcript_id: int
    version: int


async def written_of(session: AsyncSession, text: TextVersion) -> Sequence[WrittenChapter]:
    """Return what was written of this version of a transcript, in order."""
    found = await session.scalars(
        select(WrittenChapter)
        .where(
            WrittenChapter.item_id == text.item_id,
            WrittenChapter.transcript_id == text.transcript_id,
            WrittenChapter.version == text.version,
        )
        .order_by(WrittenChapter.start_seconds)
    )
    return found.all()


async def keep_written(
    session: AsyncSession,
    text: TextVersion,
    *,
    start: float,
    end: float,
    title: str | None,
    sentences: Sequence[JsonObject],
    model: str,
) -> datetime | None:
    """Keep what was written of a chapter, in place of what was written of other versions; None where the text has changed.

    The rows of item and transcript are held, so that neither changes before the transaction ends.
    """
    is_newest = await session.scalar(
        select(Transcript.id)
        .join(Item, Item.transcript_id == Transcript.id)
        .where(Item.id == text.item_id, Transcript.id == text.transcript_id, Transcript.version == text.version)
        .with_for_update(read=True)
    )
    if is_newest is None:
        return None
    await session.execute(
        delete(WrittenChapter).where(
            WrittenChapter.item_id == text.item_id,
            or_(WrittenChapter.transcript_id != text.transcript_id, WrittenChapter.version != text.version),
        )
    )
    values = {
        "transcript_id": text.transcript_id,
        "version": text.version,
        "end_seconds": end,
        "title": title,
        "sentences": list(sentences),
        "model": model,
    }
    kept = insert(WrittenChapter).values(item_id=text.item_id, start_seconds=start, **values)
    return await session.scalar(
        kept.on_conflict_do_update(
            index_elements=[WrittenChapter.item_id, WrittenChapter.start_seconds],
            set_={name: kept.excluded[name] for name in (*values, "written_at")},
        ).returning(WrittenChapter.written_at)
    )
