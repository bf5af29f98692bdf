"""Failures that still stand: runs that can be taken up again, and stages that a run went on without.

Both stand in the errors of items, which follow from the newest run of each. What failed at some time, and went well when it
was tried again, is counted in ``totals``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.accounts.accounts import Account
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.items.items import Blob, Item
from echoic.db.runs.runs import PipelineRun


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The items with one code of error at one stage."""

    code: str | None
    stage: str | None
    runs: int
    """Items whose newest run ended with it."""
    left_out: int
    """Items of which this stage is missing, because their run went on without it."""
    last_at: datetime | None
    """The time when the newest of these runs ended."""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that failed, with what decides who may see it."""

    id: int
    title: str
    status: str
    code: str
    stage: str | None
    message: str | None
    run_failed: bool
    """False: the run went on without the stage."""
    ended_at: datetime | None
    duration_seconds: float | None
    size_bytes: int
    library: str
    visibility: str
    role: str | None
    """That of the account that asks."""
    redaction: Mapping[str, Any] | None
    """The policy of its dataset."""
    account_id: int | None
    """Of those who uploaded it; None where that is not known any more."""
    account: str | None


_newer = aliased(PipelineRun)
_IS_NEWEST = ~select(_newer.id).where(_newer.item_id == PipelineRun.item_id, _newer.id > PipelineRun.id).exists()
_RUN_FAILED = PipelineRun.state == "failed"


async def count_failures(session: AsyncSession) -> list[FailureCount]:
    """Count the items with an error by code and stage, the most frequent first."""
    rows = await session.execute(
        select(
            Item.error_code,
            Item.error_stage,
            func.count().filter(_RUN_FAILED),
            func.count().filter(~_RUN_FAILED),
            func.max(PipelineRun.finished_at),
        )
        .join(PipelineRun, and_(PipelineRun.item_id == Item.id, _IS_NEWEST))
        .where(Item.error_code.is_not(None))
        .group_by(Item.error_code, Item.error_stage)
        .order_by(func.count().desc(), Item.error_code, Item.error_stage)
    )
    return [FailureCount(*row) for row in rows]


async def list_failed(
    session: AsyncSession, *, code: str, stage: str | None, account_id: int, limit: int, offset: int
) -> tuple[list[FailedItem], int]:
    """Return the items with a code of error, at one stage or at any, the newest first, and how many there are.

    ``account_id`` is that of the account that asks.
    """
    total = await session.scalar(select(func.count()).select_from(_wanted(select(Item.id), code, stage).subquery()))
    columns = select(
        Item.id,
        Item.title,
        Item.status,
        Item.error_code,
        Item.error_stage,
        Item.error_message,
        _RUN_FAILED,
        PipelineRun.finished_at,
        Item.duration_seconds,
        Blob.size_bytes,
        Library.slug,
        Library.visibility,
        LibraryMember.role,
        Dataset.redaction,
        Blob.account_id,
        Account.name,
    )
    query = (
        _wanted(columns, code, stage)
        .join(Blob, Blob.id == Item.audio_blob_id)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .outerjoin(LibraryMember, and_(LibraryMember.library_id == Library.id, LibraryMember.account_id == account_id))
        .outerjoin(Account, Account.id == Blob.account_id)
        .order_by(Item.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [FailedItem(*row) for row in await session.execute(query)], total or 0


async def failed_after(
    session: AsyncSession, *, code: str, stage: str | None, after_id: int, limit: int
) -> Sequence[int]:
    """The items whose newest run ended with a code of error, those with larger ids than ``after_id``, the oldest first."""
    query = _wanted(select(Item.id), code, stage).where(_RUN_FAILED, Item.id > after_id)
    return list(await session.scalars(query.order_by(Item.id).limit(limit)))


def _wanted(query: "Select[*tuple[Any, ...]]", code: str, stage: str | None) -> "Select[*tuple[Any, ...]]":
    found = (
        query.select_from(Item)
        .join(PipelineRun, and_(PipelineRun.item_id == Item.id, _IS_NEWEST))
        .where(Item.error_code == code)
    )
    return found if stage is None else found.where(Item.error_stage == stage)
