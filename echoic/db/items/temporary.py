"""Items whose time is over are found and deleted: temporary ones, and those whose deadline has passed."""

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item, deadline, delete_item, is_held
from echoic.db.receipts.receipts import Cause
from echoic.db.runs.runs import ACTIVE_STATES, PipelineRun
from echoic.db.subjects.locks import hold_names_of_items
from echoic.db.transcripts.transcripts import Transcript


async def delete_ended(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Forget temporary items whose time is over, at most ``limit``; returns their ids, and the keys of their bytes.

    Their time begins when the work on them ends. One whose transcript people have corrected stays. Items that another
    process deletes at the same time are passed over.
    """
    of_item = PipelineRun.item_id == Item.id
    at_work = select(PipelineRun.id).where(of_item, PipelineRun.state.in_(ACTIVE_STATES)).exists()
    corrected = select(Transcript.id).where(Transcript.item_id == Item.id, Transcript.version > 0).exists()
    ended = select(func.max(PipelineRun.finished_at)).where(of_item).scalar_subquery()
    kept_until = func.coalesce(ended, Item.created_at) + func.make_interval(0, 0, 0, 0, 0, 0, Item.keep_seconds)
    over = (
        select(Item.id)
        .where(Item.keep_seconds.is_not(None), ~at_work, ~corrected, ~is_held(), kept_until < func.now())
        .order_by(Item.id)
        .limit(limit)
    )
    return await _delete(session, over, Cause(reason="temporary"))


async def delete_expired(session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]:
    """Forget items whose deadline has passed, at most ``limit``; returns their ids, and the keys of their bytes.

    Those that are held, or worked on, stay meanwhile. Items that another process deletes at the same time are passed over.
    """
    at_work = (
        select(PipelineRun.id).where(PipelineRun.item_id == Item.id, PipelineRun.state.in_(ACTIVE_STATES)).exists()
    )
    kept_briefly = select(Dataset.id).where(Dataset.delete_after_days.is_not(None))
    over = (
        select(Item.id)
        .where(or_(Item.expires_at.is_not(None), Item.dataset_id.in_(kept_briefly)))
        .where(deadline() < func.now(), ~at_work, ~is_held())
        .order_by(Item.id)
        .limit(limit)
    )
    return await _delete(session, over, Cause(reason="deadline"))


async def _delete(session: AsyncSession, over: Select[int], cause: Cause) -> tuple[list[int], list[str]]:
    found = (await session.scalars(over)).all()
    await hold_names_of_items(session, found)
    held = over.where(among(Item.id, found)).with_for_update(skip_locked=True)
    ids = list(await session.scalars(held))
    keys = [key for item_id in ids for key in await delete_item(session, item_id, cause)]
    return ids, keys
