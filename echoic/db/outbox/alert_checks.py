"""Checks: items in which alerts are to be looked for, since they are new or have changed."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Text,
    Uuid,
    any_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds, is_free
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.connect import Database
from echoic.db.items.items import Item
from echoic.db.outbox.alerts import Alert, Span
from echoic.db.reads import Query
from echoic.db.runs.runs import PipelineRun
from echoic.db.transcripts.transcripts import Segment

CheckReason = Literal["published", "again", "edited"]


class AlertCheck(Base):
    """An item in which alerts are to be looked for. It is written with the change that makes it necessary."""

    __tablename__ = "alert_checks"
    __table_args__ = (CheckConstraint("reason IN ('published', 'again', 'edited')", name="reason"),)

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    reason: Mapped[CheckReason] = mapped_column(Text)
    places: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The places of the segments that an edit changed."""
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class DueCheck:
    """A check that this process may make."""

    id: int
    lease: uuid.UUID
    item: Item
    reason: CheckReason
    changed: tuple[Span, ...]
    """The stretches of the segments that an edit changed."""
    first_published_at: datetime | None
    asked_at: datetime


_FIRST = select(func.min(AlertCheck.id)).group_by(AlertCheck.item_id)
_IS_NEXT = (
    AlertCheck.id.in_(_FIRST),
    is_free(AlertCheck.leased_until),
)
_ANY_NEXT = Query(select(exists().where(*_IS_NEXT)))


async def ask_for_check(session: AsyncSession, item_id: int, reason: CheckReason, places: Collection[int] = ()) -> None:
    """Have alerts looked for in an item once the transaction is committed; nothing is written where nobody has any."""
    asked = select(literal(item_id), literal(reason), literal(sorted(places), ARRAY(BigInteger)))
    await session.execute(
        insert(AlertCheck).from_select(
            [AlertCheck.item_id, AlertCheck.reason, AlertCheck.places], asked.where(exists(select(Alert.id)))
        )
    )


async def is_published_again(session: AsyncSession, item_id: int) -> bool:
    """Return whether more than one run of an item has succeeded."""
    succeeded = select(PipelineRun.id).where(PipelineRun.item_id == item_id, PipelineRun.state == "succeeded")
    return len((await session.scalars(succeeded.limit(2))).all()) > 1


async def any_due(database: Database) -> bool:
    """Return whether there is a check that nobody makes. Raises DatabaseUnavailable."""
    return await database.holds(_ANY_NEXT)


async def claim(session: AsyncSession, *, lease_seconds: float) -> DueCheck | None:
    """Take the oldest check that nobody makes; those of one item come one after the other."""
    row = await session.scalar(
        select(AlertCheck).where(*_IS_NEXT).order_by(AlertCheck.id).limit(1).with_for_update(skip_locked=True)
    )
    item = None if row is None else await session.get(Item, row.item_id)
    if row is None or item is None:
        return None
    row.lease = lease = uuid.uuid4()
    row.leased_until = in_seconds(lease_seconds)
    changed = await _stretches(session, item, row.places)
    first_published = await session.scalar(
        select(func.min(PipelineRun.finished_at)).where(
            PipelineRun.item_id == item.id, PipelineRun.state == "succeeded"
        )
    )
    due = DueCheck(
        id=row.id,
        lease=lease,
        item=item,
        reason=row.reason,
        changed=tuple(changed),
        first_published_at=first_published,
        asked_at=row.created_at,
    )
    await session.flush()
    return due


async def end(session: AsyncSession, due: DueCheck) -> bool:
    """Remove a check that was made; False where another process has taken it, or its item is gone."""
    gone = await session.scalar(
        delete(AlertCheck).where(AlertCheck.id == due.id, AlertCheck.lease == due.lease).returning(AlertCheck.id)
    )
    return gone is not None


async def changed_since(session: AsyncSession, due: DueCheck) -> list[Span]:
    """Return the stretches that edits have changed whose own checks are still to come."""
    later = await session.scalars(
        select(AlertCheck.places).where(AlertCheck.item_id == due.item.id, AlertCheck.id > due.id)
    )
    places = {place for each in later for place in each}
    return await _stretches(session, due.item, places) if places else []


async def _stretches(session: AsyncSession, item: Item, places: Collection[int]) -> list[Span]:
    rows = await session.execute(
        select(Segment.start, Segment.end).where(
            Segment.transcript_id == item.transcript_id,
            Segment.position == any_(literal(list(places), ARRAY(BigInteger))),
        )
    )
    return [(start, end) for start, end in rows]


async def alerts_about(session: AsyncSession, due: DueCheck) -> list[Alert]:
    """Return the alerts that looked when the check was asked for, of all accounts that may see the item's dataset."""
    member = exists().where(LibraryMember.library_id == Library.id, LibraryMember.account_id == Alert.account_id)
    seen = (
        select(Library.id)
        .join(Dataset, Dataset.library_id == Library.id)
        .where(Dataset.id == due.item.dataset_id, or_(Library.visibility == "public", member.correlate(Library, Alert)))
        .correlate(Alert)
    )
    rows = await session.scalars(
        select(Alert)
        .join(Account, Account.id == Alert.account_id)
        .where(IS_OPEN, Alert.active_since <= due.asked_at, exists(seen))
        .order_by(Alert.id)
    )
    return list(rows)
