"""Items whose time is over are found and deleted: temporary ones, and those whose deadline has passed, in whole or in part."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from echoic.db.base import among
from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import (
    Blob,
    Item,
    audio_deadline,
    deadline,
    delete_item,
    is_held,
    transcript_deadline,
)
from echoic.db.items.removed_parts import remove_audio, remove_transcripts
from echoic.db.receipts.receipts import Cause
from echoic.db.runs.runs import ACTIVE_STATES, PipelineRun
from echoic.db.sources.published import PublishedText
from echoic.db.subjects.locks import hold_names_of_items
from echoic.db.transcripts.transcripts import Transcript

AT_DEADLINE = Cause(reason="deadline")

Remove = Callable[[AsyncSession, Sequence[int]], Awaitable[list[str]]]
"""Removes items or parts of them; returns the keys of their bytes."""


async def delete_ended(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Forget temporary items whose time is over, at most ``limit``; returns their ids, and the keys of their bytes.

    Their time begins when the work on them ends. One whose transcript people have corrected stays. Items that another
    process deletes at the same time are passed over.
    """
    corrected = select(Transcript.id).where(Transcript.item_id == Item.id, Transcript.version > 0).exists()
    ended = select(func.max(PipelineRun.finished_at)).where(PipelineRun.item_id == Item.id).scalar_subquery()
    kept_until = func.coalesce(ended, Item.created_at) + func.make_interval(0, 0, 0, 0, 0, 0, Item.keep_seconds)
    over = (
        select(Item.id)
        .where(Item.keep_seconds.is_not(None), ~_at_work(), ~corrected, ~is_held(), kept_until < func.now())
        .order_by(Item.id)
        .limit(limit)
    )
    return await _remove(session, over, partial(_delete, cause=Cause(reason="temporary")))


async def delete_expired(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Forget items whose deadline has passed, at most ``limit``; returns their ids, and the keys of their bytes.

    Those that are held, or worked on, stay meanwhile. Items that another process deletes at the same time are passed over.
    """
    over = _over(deadline(), Item.expires_at, Dataset.delete_after_days).limit(limit)
    return await _remove(session, over, partial(_delete, cause=AT_DEADLINE))


async def remove_expired_audio(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Remove the audio of items where its own deadline has passed, likewise."""
    over = (
        _over(audio_deadline(), Item.audio_expires_at, Dataset.delete_audio_after_days)
        .join(Blob, Blob.id == Item.audio_blob_id)
        .where(Blob.removed_at.is_(None))
        .limit(limit)
    )
    return await _remove(session, over, partial(remove_audio, cause=AT_DEADLINE))


async def remove_expired_transcripts(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Remove the transcripts of items where their own deadline has passed, likewise; no bytes go with them."""
    over = (
        _over(transcript_deadline(), Item.transcript_expires_at, Dataset.delete_transcript_after_days)
        .where(Item.transcript_removed_at.is_(None))
        .where(
            or_(*(select(table.id).where(table.item_id == Item.id).exists() for table in (PipelineRun, PublishedText)))
        )
        .limit(limit)
    )

    async def remove(session: AsyncSession, ids: Sequence[int]) -> list[str]:
        await remove_transcripts(session, ids, AT_DEADLINE)
        return []

    return await _remove(session, over, remove)


def _over(
    deadline: ColumnElement[datetime | None],
    own: InstrumentedAttribute[datetime | None],
    of_dataset: InstrumentedAttribute[int | None],
) -> Select[int]:
    """Return the items that are past a deadline, which is their own or their dataset's."""
    kept_briefly = select(Dataset.id).where(of_dataset.is_not(None))
    return (
        select(Item.id)
        .where(or_(own.is_not(None), Item.dataset_id.in_(kept_briefly)))
        .where(deadline < func.now(), ~_at_work(), ~is_held())
        .order_by(Item.id)
    )


def _at_work() -> ColumnElement[bool]:
    of_item = (PipelineRun.item_id == Item.id) & PipelineRun.state.in_(ACTIVE_STATES)
    return select(PipelineRun.id).where(of_item).correlate(Item).exists()


async def _remove(session: AsyncSession, over: Select[int], remove: Remove) -> tuple[list[int], list[str]]:
    found = (await session.scalars(over)).all()
    await hold_names_of_items(session, found)
    held = over.where(among(Item.id, found)).with_for_update(of=Item, skip_locked=True)
    ids = list(await session.scalars(held))
    return ids, await remove(session, ids) if ids else []


async def _delete(session: AsyncSession, ids: Sequence[int], cause: Cause) -> list[str]:
    return [key for item_id in ids for key in await delete_item(session, item_id, cause)]
