"""Minutes of transcription that accounts have used in a month, and those reserved by runs that are still on their way.

A reservation belongs to a run and ends with it, in the same transaction: a run that succeeds turns it into use, any
other end frees it, and with a deleted run it is gone by itself. So what is reserved is always the sum of its rows, and
no crash can leave one behind. Months are UTC; a run counts in the month in which it was started.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningDelete

from echoic.db.base import Base, among


class MinuteReservation(Base):
    """The minutes that a run may use, and the account that they belong to."""

    __tablename__ = "minute_reservations"
    __table_args__ = (
        CheckConstraint("seconds >= 0", name="seconds"),
        Index("ix_minute_reservations_account_id_month", "account_id", "month"),
    )

    run_id: Mapped[int] = mapped_column(
        ForeignKey("pipeline_queue.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    month: Mapped[date]
    seconds: Mapped[float]


class MonthlyUse(Base):
    """The minutes that the finished runs of an account took in a month. They stay when the items are deleted."""

    __tablename__ = "monthly_use"
    __table_args__ = (CheckConstraint("seconds >= 0", name="seconds"),)

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    month: Mapped[date] = mapped_column(primary_key=True)
    seconds: Mapped[float] = mapped_column(server_default=text("0"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """An account's figures for one month, whose first day is ``month``."""

    month: date
    used_seconds: float
    reserved_seconds: float

    @property
    def taken_seconds(self) -> float:
        """Return the seconds that are no longer to be had."""
        return self.used_seconds + self.reserved_seconds


def month_of(moment: datetime) -> date:
    """Return the first day of the month, in UTC, that a moment lies in."""
    return moment.astimezone(UTC).date().replace(day=1)


async def this_month(session: AsyncSession) -> date:
    """Return the month by the database's clock; the same all through a transaction."""
    moment: datetime = (await session.execute(select(func.now()))).scalar_one()
    return month_of(moment)


async def usage(session: AsyncSession, account_id: int) -> Usage:
    """Return an account's figures for the present month."""
    return (await usages(session, [account_id]))[account_id]


async def usages(session: AsyncSession, account_ids: Collection[int]) -> Mapping[int, Usage]:
    """Return the same of several accounts."""
    month = await this_month(session)
    # One statement: between two, a run could end and be missing in both.
    used, reserved = (
        select(rows.account_id, literal(rows is MonthlyUse), func.sum(rows.seconds))
        .where(among(rows.account_id, account_ids), rows.month == month)
        .group_by(rows.account_id)
        for rows in (MonthlyUse, MinuteReservation)
    )
    found = {(row[0], row[1]): row[2] for row in await session.execute(used.union_all(reserved))}
    return {
        account_id: Usage(
            month=month,
            used_seconds=found.get((account_id, True), 0.0),
            reserved_seconds=found.get((account_id, False), 0.0),
        )
        for account_id in account_ids
    }


async def lock_usage(session: AsyncSession, account_id: int) -> Usage:
    """Return the same, with nobody else reserving minutes of that account until the transaction ends."""
    month = await this_month(session)
    mine = insert(MonthlyUse).values(account_id=account_id, month=month)
    # An update that changes nothing waits for and takes the lock; what follows sees what the one before committed.
    await session.execute(
        mine.on_conflict_do_update(index_elements=["account_id", "month"], set_={"seconds": MonthlyUse.seconds})
    )
    return await usage(session, account_id)


async def reserve(session: AsyncSession, *, run_id: int, account_id: int, seconds: float) -> None:
    """Set minutes of the present month aside for a run that has none yet; whether there are any left is not looked at."""
    month = await this_month(session)
    session.add(MinuteReservation(run_id=run_id, account_id=account_id, month=month, seconds=seconds))
    await session.flush()


async def correct(session: AsyncSession, *, run_id: int, seconds: float) -> None:
    """Set a run's reservation, where it has one, to what it is now known to take."""
    await session.execute(update(MinuteReservation).where(MinuteReservation.run_id == run_id).values(seconds=seconds))


async def settle(session: AsyncSession, *, run_id: int, seconds: float | None) -> None:
    """Turn a run's reservation into use of so much, or of what was reserved where nobody knows; without one, nothing."""
    ended = (await session.execute(_ending(run_id))).one_or_none()
    if ended is None:
        return
    account_id, month, reserved_seconds = ended
    used = insert(MonthlyUse).values(
        account_id=account_id, month=month, seconds=reserved_seconds if seconds is None else seconds
    )
    await session.execute(
        used.on_conflict_do_update(
            index_elements=["account_id", "month"], set_={"seconds": MonthlyUse.seconds + used.excluded.seconds}
        )
    )


async def refund(session: AsyncSession, *, run_id: int) -> None:
    """Free what a run had reserved."""
    await session.execute(_ending(run_id))


def _ending(run_id: int) -> ReturningDelete[int, date, float]:
    return (
        delete(MinuteReservation)
        .where(MinuteReservation.run_id == run_id)
        .returning(MinuteReservation.account_id, MinuteReservation.month, MinuteReservation.seconds)
    )
