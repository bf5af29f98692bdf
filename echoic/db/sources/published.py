"""Texts that publishers give with their episodes: where each lies, whether it was fetched, and what it says.

They stand beside an item's own transcript and are never taken for it. Whoever fetches one holds its lease, as with feeds.
"""

import uuid
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, Uuid, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, defer, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds, is_free
from echoic.db.sources.feeds import Feed
from echoic.records import PublishedForm

PublishedKind = Literal["transcript", "chapters"]
PublishedState = Literal["waiting", "kept", "failed"]
MAX_TEXTS = 8
"""Transcripts of one item; a publisher who writes one in every form has five."""


class PublishedText(Base):
    """A transcript or the chapters of an episode, by its publisher."""

    __tablename__ = "published_texts"
    __table_args__ = (
        UniqueConstraint("item_id", "kind", "url"),
        CheckConstraint("kind IN ('transcript', 'chapters')", name="kind"),
        CheckConstraint("state IN ('waiting', 'kept', 'failed')", name="state"),
        Index("ix_published_texts_retry_at", "retry_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    feed_id: Mapped[int | None] = mapped_column(ForeignKey("feeds.id", ondelete="SET NULL"), index=True)
    kind: Mapped[PublishedKind] = mapped_column(Text)
    url: Mapped[str]
    """May hold a token: its host alone is shown."""
    media_type: Mapped[str | None]
    """By the feed's word."""
    language: Mapped[str | None]
    state: Mapped[PublishedState] = mapped_column(Text, server_default="waiting")
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    form: Mapped[PublishedForm | None] = mapped_column(Text)
    """By its content; None until it is kept."""
    body: Mapped[str | None]
    """As it came, but for its encoding."""
    size_bytes: Mapped[int | None]
    fetched_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    retry_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


# Publishers often write transcripts days after an episode: whatever a feed names later is added then.
_EXPECT = text("""
    INSERT INTO published_texts (item_id, feed_id, kind, url, media_type, language)
    SELECT entry.item_id, entry.feed_id, told.kind, told.url, told.media_type, told.language
    FROM feed_entries AS entry
    JOIN items ON items.id = entry.item_id AND items.transcript_removed_at IS NULL
    CROSS JOIN LATERAL (
        SELECT 'transcript' AS kind, named ->> 'url' AS url, named ->> 'type' AS media_type, named ->> 'language' AS language
        FROM jsonb_array_elements(coalesce(entry.details -> 'transcripts', '[]'::jsonb)) WITH ORDINALITY AS listed (named, place)
        WHERE place <= :most
        UNION ALL
        SELECT 'chapters', entry.details ->> 'chapters_url', NULL, NULL WHERE entry.details ? 'chapters_url'
    ) AS told
    WHERE entry.feed_id = :feed_id AND entry.item_id IS NOT NULL AND (CAST(:entry_id AS bigint) IS NULL OR entry.id = :entry_id)
      AND (told.kind = 'chapters' OR (SELECT count(*) FROM published_texts AS known WHERE known.item_id = entry.item_id) <= :most)
    ON CONFLICT (item_id, kind, url) DO NOTHING
""")


async def expect(session: AsyncSession, feed_id: int, *, entry_id: int | None = None) -> None:
    """Have those texts fetched that entries with an item name and that are not known yet: all of a feed, or of one entry."""
    await session.execute(_EXPECT, {"feed_id": feed_id, "entry_id": entry_id, "most": MAX_TEXTS})


async def take_waiting(
    session: AsyncSession, *, lease: uuid.UUID, seconds: float
) -> tuple[PublishedText, Feed | None] | None:
    """Lease a text that is to be fetched now, with its feed; None where there is none."""
    waiting = (
        select(PublishedText.id)
        .where(PublishedText.state == "waiting", PublishedText.retry_at <= func.now())
        .where(is_free(PublishedText.leased_until))
        .order_by(PublishedText.attempts, PublishedText.id.desc())
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    text_id = await session.scalar(waiting)
    if text_id is None:
        return None
    leased = (
        update(PublishedText).where(PublishedText.id == text_id).values(lease=lease, leased_until=in_seconds(seconds))
    )
    found = await session.scalar(leased.returning(PublishedText))
    if found is None:
        return None
    return found, None if found.feed_id is None else await session.get(Feed, found.feed_id)


async def end(
    session: AsyncSession, text_id: int, *, lease: uuid.UUID, retry_in_seconds: float = 0.0, **columns: object
) -> bool:
    """Write how fetching a text went, and give it back; False, and nothing is changed, where it was lost."""
    ended = (
        update(PublishedText)
        .where(PublishedText.id == text_id, PublishedText.lease == lease)
        .values(lease=None, leased_until=None, retry_at=in_seconds(retry_in_seconds), **columns)
    )
    return await session.scalar(ended.returning(PublishedText.id)) is not None


async def list_of_item(session: AsyncSession, item_id: int) -> list[PublishedText]:
    """Return the texts of an item without their bodies, in the order in which the feed names them."""
    found = (
        select(PublishedText).where(PublishedText.item_id == item_id).options(defer(PublishedText.body, raiseload=True))
    )
    return list(await session.scalars(found.order_by(PublishedText.id)))


async def find(session: AsyncSession, item_id: int, text_id: int) -> PublishedText | None:
    """Return a text of an item, with its body."""
    return await session.scalar(
        select(PublishedText).where(PublishedText.item_id == item_id, PublishedText.id == text_id)
    )
