"""Entries of feeds: what each says, whether it is to be fetched, and what became of it.

An entry is known by its feed and its identity for good, so that no episode becomes an item twice. Whoever fetches one holds
its lease, as with feeds; the bytes that have come lie in parts, which rows name, so that a killed process costs one part.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, among, in_seconds, is_free
from echoic.db.json_text import to_json
from echoic.db.sources.feeds import Feed
from echoic.records import JsonObject

EntryState = Literal["new", "waiting", "taken", "left_out", "failed"]
SLACK_SECONDS = 2 * 24 * 3600.0
"""So much older than the newest known one a new entry may be and still be taken for new: dates are set by people."""


class FeedEntry(Base):
    """One episode of a feed."""

    __tablename__ = "feed_entries"
    __table_args__ = (
        UniqueConstraint("feed_id", "identity"),
        CheckConstraint("state IN ('new', 'waiting', 'taken', 'left_out', 'failed')", name="state"),
        Index("ix_feed_entries_retry_at", "retry_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[PrimaryKey]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"))
    identity: Mapped[str]
    """Of its GUID or what stands for that, a digest."""
    guid: Mapped[str | None]
    title: Mapped[str | None]
    description: Mapped[str | None]
    published_at: Mapped[datetime | None]
    link: Mapped[str | None]
    enclosure_url: Mapped[str | None]
    enclosure_key: Mapped[str | None]
    """The address without what changes from week to week."""
    enclosure_type: Mapped[str | None]
    enclosure_bytes: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    state: Mapped[EntryState] = mapped_column(Text, server_default="new")
    reason: Mapped[str | None]
    """Why it is left out, failed or still waits: a code."""
    message: Mapped[str | None]
    item_id: Mapped[int | None] = mapped_column(ForeignKey("items.id", ondelete="SET NULL"), index=True)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    retry_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    validator: Mapped[str | None]
    """A strong ETag or the Last-Modified of the bytes that lie in parts."""
    is_whole: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the parts are the whole recording, which is to be taken in."""
    enclosure_changed_at: Mapped[datetime | None]
    """When the feed last named another recording under the same identity."""
    created_at: Mapped[CreatedAt]


class FeedEntryPart(Base):
    """Bytes of an entry's recording that are durable in storage; the order of the ids is that of the bytes."""

    __tablename__ = "feed_entry_parts"

    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = mapped_column(ForeignKey("feed_entries.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    size_bytes: Mapped[int]
    sha256: Mapped[str]


# One parameter for all rows: a statement with thousands of values takes longer to be put together than to be done.
_PUT = text("""
    INSERT INTO feed_entries (feed_id, identity, guid, title, description, published_at, link, enclosure_url, enclosure_key,
                              enclosure_type, enclosure_bytes, details)
    SELECT :feed_id, told.*
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told (
        identity text, guid text, title text, description text, published_at timestamptz, link text, enclosure_url text,
        enclosure_key text, enclosure_type text, enclosure_bytes bigint, details jsonb)
    ON CONFLICT (feed_id, identity) DO UPDATE SET
        guid = excluded.guid,
        title = excluded.title,
        description = excluded.description,
        published_at = excluded.published_at,
        link = excluded.link,
        enclosure_url = excluded.enclosure_url,
        enclosure_key = excluded.enclosure_key,
        enclosure_type = excluded.enclosure_type,
        enclosure_bytes = excluded.enclosure_bytes,
        details = excluded.details,
        enclosure_changed_at = CASE
            WHEN feed_entries.enclosure_key IS NOT NULL AND feed_entries.enclosure_key IS DISTINCT FROM excluded.enclosure_key
            THEN now() ELSE feed_entries.enclosure_changed_at END,
        state = CASE
            WHEN feed_entries.reason = 'no_enclosure' AND excluded.enclosure_url IS NOT NULL
            THEN 'new' ELSE feed_entries.state END,
        reason = CASE
            WHEN feed_entries.reason = 'no_enclosure' AND excluded.enclosure_url IS NOT NULL
            THEN NULL ELSE feed_entries.reason END
    WHERE (feed_entries.guid, feed_entries.title, feed_entries.description, feed_entries.published_at, feed_entries.link,
           feed_entries.enclosure_url, feed_entries.enclosure_type, feed_entries.enclosure_bytes, feed_entries.details)
          IS DISTINCT FROM
          (excluded.guid, excluded.title, excluded.description, excluded.published_at, excluded.link,
           excluded.enclosure_url, excluded.enclosure_type, excluded.enclosure_bytes, excluded.details)
""")


async def put_entries(session: AsyncSession, feed_id: int, rows: Sequence[JsonObject]) -> None:
    """Write what a feed says of episodes, each identity once; those that are known and unchanged are left alone.

    A row has the names of the columns from ``identity`` to ``details``, its date as text of ISO 8601.
    """
    await session.execute(_PUT, {"feed_id": feed_id, "rows": to_json(rows)})


async def decide(session: AsyncSession, feed: Feed, *, newest: int) -> None:
    """Say of each new entry whether it is fetched.

    When the feed is read for the first time, the newest so many are; later those that are newer than what was known.
    """
    of_feed = (FeedEntry.feed_id == feed.id, FeedEntry.state == "new")
    await _leave_out(session, FeedEntry.enclosure_url.is_(None), *of_feed, reason="no_enclosure")
    if feed.newest_at is None:
        order = (FeedEntry.published_at.desc().nulls_last(), FeedEntry.id)
        first = select(FeedEntry.id).where(*of_feed).order_by(*order).limit(newest)
        await _have_fetched(session, FeedEntry.id.in_(first))
    else:
        known = aliased(FeedEntry)
        same = select(known.id).where(
            known.feed_id == feed.id,
            known.state != "new",
            known.title == FeedEntry.title,
            known.published_at == FeedEntry.published_at,
        )
        await _leave_out(session, same.exists(), *of_feed, reason="repeated")
        since = feed.newest_at - func.make_interval(0, 0, 0, 0, 0, 0, SLACK_SECONDS)
        await _have_fetched(session, *of_feed, or_(FeedEntry.published_at.is_(None), FeedEntry.published_at > since))
    await _leave_out(session, *of_feed, reason="older")


async def newest_known(session: AsyncSession, feed_id: int) -> datetime | None:
    """Return the date of a feed's newest entry, at most now; without dates, now; None where it has no entries."""
    newest = func.least(func.coalesce(func.max(FeedEntry.published_at), func.now()), func.now())
    row = (await session.execute(select(func.count(), newest).where(FeedEntry.feed_id == feed_id))).one()
    found: datetime | None = row[1]
    return found if row[0] else None


async def last_dates(session: AsyncSession, feed_id: int, *, limit: int) -> list[datetime]:
    """Return the dates of a feed's newest entries, the newest first."""
    dates = (
        select(FeedEntry.published_at)
        .where(FeedEntry.feed_id == feed_id, FeedEntry.published_at.is_not(None), FeedEntry.published_at <= func.now())
        .order_by(FeedEntry.published_at.desc())
        .limit(limit)
    )
    return [date for date in await session.scalars(dates) if date is not None]


async def want(
    session: AsyncSession, feed_id: int, *, entry_ids: Collection[int] | None = None, newest: int | None = None
) -> int:
    """Have entries fetched that were left out or failed: those named, or the newest so many; returns how many."""
    fit: tuple[ColumnElement[bool], ...] = (
        FeedEntry.feed_id == feed_id,
        FeedEntry.state.in_(("left_out", "failed")),
        FeedEntry.enclosure_url.is_not(None),
    )
    if entry_ids is not None:
        fit = (*fit, among(FeedEntry.id, entry_ids))
    order = (FeedEntry.published_at.desc().nulls_last(), FeedEntry.id)
    wanted = select(FeedEntry.id).where(*fit).order_by(*order).limit(newest)
    return await _have_fetched(session, FeedEntry.id.in_(wanted))


async def unknown(session: AsyncSession, feed_id: int, entry_ids: Collection[int]) -> list[int]:
    """Return those of the ids that are of no entry of the feed, in their order."""
    found = await session.scalars(
        select(FeedEntry.id).where(FeedEntry.feed_id == feed_id, among(FeedEntry.id, entry_ids))
    )
    known = set(found)
    return [one for one in entry_ids if one not in known]


async def _have_fetched(session: AsyncSession, *which: Any) -> int:
    done = (
        update(FeedEntry)
        .where(*which)
        .values(state="waiting", reason=None, message=None, attempts=0, retry_at=func.now())
    )
    return len((await session.scalars(done.returning(FeedEntry.id))).all())


async def _leave_out(session: AsyncSession, *which: Any, reason: str) -> None:
    await session.execute(update(FeedEntry).where(*which).values(state="left_out", reason=reason))


async def take_waiting(session: AsyncSession, *, lease: uuid.UUID, seconds: float) -> tuple[FeedEntry, Feed] | None:
    """Lease the newest entry that is to be fetched now, with its feed; None where there is none."""
    waiting = (
        select(FeedEntry.id)
        .join(Feed, Feed.id == FeedEntry.feed_id)
        .where(FeedEntry.state == "waiting", FeedEntry.retry_at <= func.now(), Feed.paused.is_(False))
        .where(is_free(FeedEntry.leased_until))
        .order_by(FeedEntry.attempts, FeedEntry.published_at.desc().nulls_last(), FeedEntry.id)
        .limit(1)
        .with_for_update(of=FeedEntry, skip_locked=True)
    )
    entry_id = await session.scalar(waiting)
    if entry_id is None:
        return None
    leased = update(FeedEntry).where(FeedEntry.id == entry_id).values(lease=lease, leased_until=in_seconds(seconds))
    entry = await session.scalar(leased.returning(FeedEntry))
    return None if entry is None else (entry, await session.get_one(Feed, entry.feed_id))


async def renew_lease(session: AsyncSession, entry_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Hold an entry for longer; False where it is lost."""
    return await _write(session, entry_id, lease, leased_until=in_seconds(seconds))


async def begin_file(
    session: AsyncSession, entry_id: int, *, lease: uuid.UUID, validator: str | None
) -> list[str] | None:
    """Forget the parts of an entry, for its file comes from its beginning; returns their keys, None where it was lost."""
    if not await _write(session, entry_id, lease, validator=validator, is_whole=False):
        return None
    gone = delete(FeedEntryPart).where(FeedEntryPart.entry_id == entry_id).returning(FeedEntryPart.key)
    return list(await session.scalars(gone))


async def end_file(session: AsyncSession, entry_id: int, *, lease: uuid.UUID) -> bool:
    """Note that the parts of an entry are its whole file; False where it was lost."""
    return await _write(session, entry_id, lease, is_whole=True)


async def add_part(
    session: AsyncSession, entry_id: int, *, lease: uuid.UUID, key: str, size_bytes: int, sha256: str
) -> bool:
    """Record bytes of an entry that are durable; False, and nothing is recorded, where it was lost."""
    if not await _write(session, entry_id, lease, state=FeedEntry.state):
        return False
    session.add(FeedEntryPart(entry_id=entry_id, key=key, size_bytes=size_bytes, sha256=sha256))
    await session.flush()
    return True


async def list_parts(session: AsyncSession, entry_id: int) -> list[FeedEntryPart]:
    """Return the parts of an entry, in order."""
    parts = select(FeedEntryPart).where(FeedEntryPart.entry_id == entry_id).order_by(FeedEntryPart.id)
    return list(await session.scalars(parts))


async def end_taken(session: AsyncSession, entry_id: int, *, lease: uuid.UUID, item_id: int) -> list[str] | None:
    """Note that an entry became an item, and forget its parts; returns their keys, None where it was lost."""
    if not await _write(
        session, entry_id, lease, state="taken", item_id=item_id, reason=None, message=None, lease=None
    ):
        return None
    gone = delete(FeedEntryPart).where(FeedEntryPart.entry_id == entry_id).returning(FeedEntryPart.key)
    return list(await session.scalars(gone))


async def end_otherwise(
    session: AsyncSession,
    entry_id: int,
    *,
    lease: uuid.UUID,
    state: EntryState,
    reason: str,
    message: str,
    retry_in_seconds: float,
    attempts: int,
) -> bool:
    """Note that an entry could not be taken; False where it was lost."""
    return await _write(
        session,
        entry_id,
        lease,
        state=state,
        reason=reason,
        message=message,
        attempts=attempts,
        retry_at=in_seconds(retry_in_seconds),
        lease=None,
        leased_until=None,
    )


async def _write(session: AsyncSession, entry_id: int, held: uuid.UUID, /, **columns: object) -> bool:
    written = update(FeedEntry).where(FeedEntry.id == entry_id, FeedEntry.lease == held).values(**columns)
    return await session.scalar(written.returning(FeedEntry.id)) is not None


async def known_part_keys(session: AsyncSession, keys: list[str]) -> set[str]:
    """Return those of the given storage keys that are parts of an entry."""
    return set(await session.scalars(select(FeedEntryPart.key).where(FeedEntryPart.key.in_(keys))))


async def count_states(session: AsyncSession, feed_id: int) -> dict[tuple[str, str | None], int]:
    """Return how many entries a feed has, by state and reason."""
    rows = await session.execute(
        select(FeedEntry.state, FeedEntry.reason, func.count())
        .where(FeedEntry.feed_id == feed_id)
        .group_by(FeedEntry.state, FeedEntry.reason)
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def list_entries(
    session: AsyncSession, feed_id: int, *, state: EntryState | None, limit: int, offset: int
) -> tuple[list[FeedEntry], int]:
    """Return a page of a feed's entries, the newest first, and how many there are."""
    wanted = select(FeedEntry).where(FeedEntry.feed_id == feed_id)
    if state is not None:
        wanted = wanted.where(FeedEntry.state == state)
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    order = (FeedEntry.published_at.desc().nulls_last(), FeedEntry.id)
    return list(await session.scalars(wanted.order_by(*order).limit(limit).offset(offset))), total or 0
