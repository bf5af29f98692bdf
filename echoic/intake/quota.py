"""Quotas of minutes and storage: looked at before a body is read, and taken in the transaction that needs them."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.accounts import minutes, stored
from echoic.db.runs.runs import PipelineRun
from echoic.plans import Plan, Plans

ASSUMED_BYTES_PER_SECOND = 8_000
"""64 kbit/s, usual for speech: from it follows the length of a file that does not tell it, until it is decoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """The account whose minutes are taken: that of whoever uploads or starts a transcription, not of the library."""

    account_id: int
    plan: Plan

    @classmethod
    def of(cls, caller: Caller, plans: Plans) -> "Payer":
        """Raises PlanUnknown."""
        return cls(account_id=caller.account_id, plan=plans[caller.plan])


async def check_minutes(session: AsyncSession, payer: Payer) -> None:
    """Raise QuotaExhausted where none are left this month. Cheap, and without a promise: reserving decides."""
    if payer.plan.monthly_minutes is not None:
        payer.plan.require_minutes(taken_seconds=(await minutes.usage(session, payer.account_id)).taken_seconds)


async def reserve_minutes(session: AsyncSession, payer: Payer, run: PipelineRun, seconds: float) -> None:
    """Reserve the payer's minutes for a run, in the transaction that started the run or took it up again.

    If two transactions want the last minutes at once, the second waits until the first has ended, and then counts the
    minutes that the first reserved.

    Raises:
        QuotaExhausted: the payer has fewer minutes left this month.
    """
    if payer.plan.monthly_minutes is not None:
        usage = await minutes.lock_usage(session, payer.account_id)
        payer.plan.require_minutes(taken_seconds=usage.taken_seconds, wanted_seconds=seconds)
    await minutes.reserve(session, run_id=run.id, account_id=payer.account_id, seconds=seconds)


async def check_room(session: AsyncSession, payer: Payer, *, at_least_bytes: int) -> None:
    """Raise StorageExhausted where one more recording of so many bytes would not fit. Without a promise: taking decides."""
    if payer.plan.limits_storage:
        use = await stored.stored_use(session, payer.account_id)
        payer.plan.require_room(stored_bytes=use.size_bytes + at_least_bytes, stored_items=use.recordings + 1)


async def take_room(session: AsyncSession, payer: Payer) -> None:
    """Check what the transaction has added to the account's recordings and uploads, as its last step but the commit.

    Of two who want the last room at once, the second waits for the first and then sees what it took.

    Raises:
        StorageExhausted: it is more than the plan has.
    """
    if payer.plan.limits_storage:
        use = await stored.lock_stored_use(session, payer.account_id)
        payer.plan.require_room(stored_bytes=use.size_bytes, stored_items=use.recordings)


def seconds_to_reserve(*, duration_seconds: float | None, size_bytes: int, longest_seconds: float) -> float:
    """Return the length of a recording as its file tells it, or else a guess from the size.

    Only the guess is limited to ``longest_seconds``.
    """
    if duration_seconds is not None and duration_seconds > 0:
        return duration_seconds
    return min(size_bytes / ASSUMED_BYTES_PER_SECOND, longest_seconds)
