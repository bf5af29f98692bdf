"""Watched sources of datasets: folders and bucket prefixes, when each is looked at next, and how that went.

Whoever looks at one holds its *lease*, a random token with an end, as with feeds.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Text,
    Uuid,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.base import Base, CreatedAt, in_seconds, is_free, set_columns
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.connect import Database
from echoic.db.reads import Query

WhenDone = Literal["move", "mark", "leave"]


class WatchedSource(Base):
    """A folder, or a prefix in a bucket, whose recordings become items of one dataset."""

    __tablename__ = "watched_sources"
    __table_args__ = (
        CheckConstraint("when_done IN ('move', 'mark', 'leave')", name="when_done"),
        CheckConstraint("(folder IS NULL) <> (bucket IS NULL)", name="place"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    """Whose minutes its recordings take: the account that made it."""
    folder: Mapped[str | None]
    bucket: Mapped[str | None]
    """The name under which the operator's file has the bucket."""
    prefix: Mapped[str] = mapped_column(server_default="")
    when_done: Mapped[WhenDone] = mapped_column(Text, server_default="move")
    look_every_seconds: Mapped[float]
    settle_seconds: Mapped[float]
    recursive: Mapped[bool] = mapped_column(server_default=text("true"))
    patterns: Mapped[list[str]] = mapped_column(server_default=text("'{}'::text[]"))
    error_files: Mapped[bool] = mapped_column(server_default=text("true"))
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    looks: Mapped[int] = mapped_column(server_default=text("0"))
    """The number of the look that was begun last."""
    next_look_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    looked_at: Mapped[datetime | None]
    turn_at: Mapped[datetime | None]
    """When a file of it was last begun: sources take turns."""
    files_seen: Mapped[int | None]
    failed_in_a_row: Mapped[int] = mapped_column(server_default=text("0"))
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    held_until: Mapped[datetime | None]
    """Until then no file is begun, for a reason that concerns all of them, as a quota."""
    held_code: Mapped[str | None]
    held_message: Mapped[str | None]
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceView:
    """A source with what decides about it."""

    source: WatchedSource
    library: str
    """The slug of its library."""
    dataset: Dataset
    account_id: int | None
    """Who pays; None where the account is gone or locked."""
    plan: str
    is_admin: bool


async def create_source(session: AsyncSession, **columns: object) -> WatchedSource:
    """Make a source, which is due at once."""
    source = WatchedSource(**columns)
    session.add(source)
    await session.flush()
    await session.refresh(source)
    return source


async def change_source(session: AsyncSession, source: WatchedSource, **columns: object) -> None:
    """Write other values into columns of a source."""
    await set_columns(session, source, columns)
    await session.refresh(source)


async def delete_source(session: AsyncSession, source: WatchedSource) -> None:
    """Forget a source and its files; items that were made of them stay."""
    await session.delete(source)
    await session.flush()


async def make_due(session: AsyncSession, source: WatchedSource) -> None:
    """Have a source looked at at once, and its files tried although it was held."""
    now = {"next_look_at": func.now(), "held_until": None, "held_code": None, "held_message": None}
    await session.execute(update(WatchedSource).where(WatchedSource.id == source.id).values(now))
    await session.refresh(source)


async def find_source(session: AsyncSession, *, dataset_id: int, source_id: int) -> WatchedSource | None:
    """Return a source of a dataset, locked until the transaction ends."""
    query = select(WatchedSource).where(WatchedSource.id == source_id, WatchedSource.dataset_id == dataset_id)
    return await session.scalar(query.with_for_update())


async def list_sources(
    session: AsyncSession, dataset_id: int, *, limit: int, offset: int
) -> tuple[list[WatchedSource], int]:
    """Return a page of a dataset's sources, the oldest first, and how many there are."""
    of_dataset = WatchedSource.dataset_id == dataset_id
    total = await session.scalar(select(func.count()).where(of_dataset))
    page = select(WatchedSource).where(of_dataset).order_by(WatchedSource.id).limit(limit).offset(offset)
    return list(await session.scalars(page)), total or 0


async def view_source(session: AsyncSession, source_id: int) -> SourceView | None:
    """Return a source with what decides about it; None where it is gone."""
    query = (
        select(WatchedSource, Library.slug, Dataset, Account.id, Account.plan, Account.is_admin)
        .join(Dataset, Dataset.id == WatchedSource.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(Account, (Account.id == WatchedSource.account_id) & IS_OPEN)
        .where(WatchedSource.id == source_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    return SourceView(
        source=row[0], library=row[1], dataset=row[2], account_id=row[3], plan=row[4] or "", is_admin=bool(row[5])
    )


_IS_DUE = (
    WatchedSource.next_look_at <= func.now(),
    WatchedSource.paused.is_(False),
    is_free(WatchedSource.leased_until),
)
_ANY_DUE = Query(select(exists().where(*_IS_DUE)))


async def any_due(database: Database) -> bool:
    """Return whether a source is due that nobody looks at. Raises DatabaseUnavailable."""
    return await database.holds(_ANY_DUE)


async def take_due(session: AsyncSession, *, lease: uuid.UUID, seconds: float) -> WatchedSource | None:
    """Lease the source that has been due for longest and begin a look at it; None where none is due."""
    due = (
        select(WatchedSource.id)
        .where(*_IS_DUE)
        .order_by(WatchedSource.next_look_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    source_id = await session.scalar(due)
    if source_id is None:
        return None
    leased = (
        update(WatchedSource)
        .where(WatchedSource.id == source_id)
        .values(lease=lease, leased_until=in_seconds(seconds), looks=WatchedSource.looks + 1)
    )
    return await session.scalar(leased.returning(WatchedSource))


async def renew_lease(session: AsyncSession, source_id: int, *, lease: uuid.UUID, seconds: float) -> bool:
    """Hold a source for longer; False where it is lost."""
    return await _write(session, source_id, lease, leased_until=in_seconds(seconds))


async def hold_leased(session: AsyncSession, source_id: int, *, lease: uuid.UUID) -> bool:
    """Lock a source for its holder until the transaction ends; False where it was lost."""
    held = select(WatchedSource.id).where(WatchedSource.id == source_id, WatchedSource.lease == lease)
    return await session.scalar(held.with_for_update()) is not None


async def conclude(
    session: AsyncSession, source_id: int, *, lease: uuid.UUID, next_in_seconds: float, **columns: object
) -> bool:
    """Write how a look went, and give the source back; False, and nothing is changed, where it was lost."""
    return await _write(
        session,
        source_id,
        lease,
        lease=None,
        leased_until=None,
        looked_at=func.now(),
        next_look_at=in_seconds(next_in_seconds),
        **columns,
    )


async def _write(session: AsyncSession, source_id: int, held: uuid.UUID, /, **columns: object) -> bool:
    written = update(WatchedSource).where(WatchedSource.id == source_id, WatchedSource.lease == held).values(**columns)
    return await session.scalar(written.returning(WatchedSource.id)) is not None


async def hold_back(session: AsyncSession, source_id: int, *, seconds: float, code: str, message: str) -> None:
    """Begin no file of a source for so long, and say why."""
    held = {"held_until": in_seconds(seconds), "held_code": code, "held_message": message}
    await session.execute(update(WatchedSource).where(WatchedSource.id == source_id).values(held))


async def free(session: AsyncSession, source_id: int) -> None:
    """Forget why a source was held back: a file of it was taken."""
    freed = {"held_until": None, "held_code": None, "held_message": None}
    told = (WatchedSource.id == source_id, WatchedSource.held_code.is_not(None))
    await session.execute(update(WatchedSource).where(*told).values(freed))
