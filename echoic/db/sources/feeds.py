"""Feeds of podcasts: where each lies, when it is asked next, and how that went.

Whoever asks a feed holds its *lease*, a random token with an end; what was found is written only while the row still
carries the token. A feed's address may hold a password or a token: it is a secret.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Uuid, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds, is_free, set_columns
from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item


class Feed(Base):
    """The feed of one dataset."""

    __tablename__ = "feeds"

    id: Mapped[PrimaryKey]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    """Whose minutes its episodes take: the account that gave the address last."""
    url: Mapped[str]
    credentials: Mapped[str | None]
    """``user:password`` for the host of the address."""
    is_private: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its address is shown to nobody."""
    newest: Mapped[int]
    """How many episodes are taken when it is read for the first time."""
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    podcast: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What it says of itself."""
    newest_at: Mapped[datetime | None]
    """The date of its newest episode; None until it was read once."""
    repeated: Mapped[int] = mapped_column(server_default=text("0"))
    """Entries that had the identity of an earlier one when it was read last."""
    next_poll_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    polled_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    """When it was last read or found unchanged."""
    failed_in_a_row: Mapped[int] = mapped_column(server_default=text("0"))
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    moved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """The account that a feed's episodes are charged to."""

    account_id: int
    plan: str


async def find_feed(session: AsyncSession, dataset_id: int, *, lock: bool = False) -> Feed | None:
    """Return the feed of a dataset."""
    query = select(Feed).where(Feed.dataset_id == dataset_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def create_feed(session: AsyncSession, **columns: object) -> Feed:
    """Make a feed, which is due at once."""
    feed = Feed(**columns)
    session.add(feed)
    await session.flush()
    await session.refresh(feed)
    return feed


async def change_feed(session: AsyncSession, feed: Feed, **columns: object) -> None:
    """Write other values into columns of a feed."""
    await set_columns(session, feed, columns)
    await session.refresh(feed)


async def make_due(session: AsyncSession, feed: Feed) -> None:
    """Have a feed asked at once."""
    await session.execute(update(Feed).where(Feed.id == feed.id).values(next_poll_at=func.now()))
    await session.refresh(feed)


async def take_due(session: AsyncSession, *, lease: uuid.UUID, seconds: float) -> Feed | None:
    """Lease the feed that has been due for longest; None where none is due."""
    due = (
        select(Feed.id)
        .join(Account, Account.id == Feed.account_id)
        .where(Feed.next_poll_at <= func.now(), Feed.ended_at.is_(None), Feed.paused.is_(False), IS_OPEN)
        .where(is_free(Feed.leased_until))
        .order_by(Feed.next_poll_at)
        .limit(1)
        .with_for_update(of=Feed, skip_locked=True)
    )
    feed_id = await session.scalar(due)
    if feed_id is None:
        return None
    leased = update(Feed).where(Feed.id == feed_id).values(lease=lease, leased_until=in_seconds(seconds))
    return await session.scalar(leased.returning(Feed))


async def renew_lease(session: AsyncSession, feed_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Hold a feed for longer; False where it is lost."""
    renewed = update(Feed).where(Feed.id == feed_id, Feed.lease == lease).values(leased_until=in_seconds(seconds))
    return await session.scalar(renewed.returning(Feed.id)) is not None


async def conclude(
    session: AsyncSession, feed_id: int, *, lease: uuid.UUID, next_in_seconds: float, **columns: object
) -> bool:
    """Write how asking a feed went, and give it back; False, and nothing is changed, where it was lost."""
    ended = (
        update(Feed)
        .where(Feed.id == feed_id, Feed.lease == lease)
        .values(
            lease=None,
            leased_until=None,
            polled_at=func.now(),
            next_poll_at=in_seconds(next_in_seconds),
            **columns,
        )
    )
    return await session.scalar(ended.returning(Feed.id)) is not None


async def hold_leased(session: AsyncSession, feed_id: int, *, lease: uuid.UUID) -> bool:
    """Lock a feed for its holder until the transaction ends; False where it was lost."""
    query = select(Feed.id).where(Feed.id == feed_id, Feed.lease == lease).with_for_update()
    return await session.scalar(query) is not None


async def payer_of(session: AsyncSession, feed: Feed) -> Payer | None:
    """Return the account that a feed's episodes are charged to; None where it is gone or locked."""
    row = (
        await session.execute(select(Account.id, Account.plan).where(Account.id == feed.account_id, IS_OPEN))
    ).one_or_none()
    return None if row is None else Payer(account_id=row[0], plan=row[1])


async def language_of_item(session: AsyncSession, item_id: int) -> str | None:
    """Return the language that the feed of an item's dataset names, as it writes it; None for an item of no feed."""
    told = (
        select(Feed.podcast["language"].astext)
        .join(Item, Item.dataset_id == Feed.dataset_id)
        .where(Item.id == item_id, Item.source_type == "podcast_episode")
    )
    return await session.scalar(told)


async def list_of_library(session: AsyncSession, library_id: int) -> list[tuple[Feed, Dataset]]:
    """Return the feeds of a library's datasets, by the datasets' names."""
    rows = await session.execute(
        select(Feed, Dataset)
        .join(Dataset, Dataset.id == Feed.dataset_id)
        .where(Dataset.library_id == library_id)
        .order_by(func.lower(Dataset.name), Dataset.id)
    )
    return [(row[0], row[1]) for row in rows]


async def find_many(session: AsyncSession, dataset_ids: Iterable[int]) -> dict[int, Feed]:
    """Return the feeds of some datasets, by the datasets' ids."""
    found = await session.scalars(select(Feed).where(Feed.dataset_id.in_(list(dataset_ids))))
    return {feed.dataset_id: feed for feed in found}
