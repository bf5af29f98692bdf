"""The state of an item, which follows from its newest run and the results of that run's stages.

``items.status`` and ``items.error_*`` are a copy of it, by which items are listed and counted. Only this module writes the
copy, and every transition of a run ends with ``show_run``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item, ItemStatus, get_item
from echoic.db.runs import runs
from echoic.db.runs.runs import PipelineRun, RunState, StageResult

STATUSES: Mapping[RunState, ItemStatus] = {
    "queued": "queued",
    "running": "processing",
    "succeeded": "published",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""The status of an item that was never published, by the state of its newest run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemState:
    """The columns of an item that follow from its newest run; an error has a code, a stage and mostly a message."""

    status: ItemStatus
    error_code: str | None = None
    error_stage: str | None = None
    error_message: str | None = None


WITHOUT_RUN = ItemState(status="stored")


def state_of(run: PipelineRun | None, left_out: StageResult | None, *, published: bool) -> ItemState:
    """Return the state of an item with this newest run. Pure.

    An item that was published once stays published: its transcript can be read until that of a later run takes its place.
    The error is the one that ended the run; where none did, that of ``left_out``, the last optional stage that the run went
    on without.
    """
    if run is None:
        return WITHOUT_RUN
    status = "published" if published else STATUSES[run.state]
    if run.error_code is not None:
        return ItemState(
            status=status, error_code=run.error_code, error_stage=run.error_stage, error_message=run.error_message
        )
    if left_out is not None:
        return ItemState(
            status=status,
            error_code=left_out.error_code,
            error_stage=left_out.stage,
            error_message=left_out.error_message,
        )
    return ItemState(status=status)


async def show_run(session: AsyncSession, run: PipelineRun) -> Item | None:
    """Let an item say where its newest run stands; returns the item, or None where it was deleted meanwhile.

    A run that succeeded publishes its item at the moment at which it ended.
    """
    item = await get_item(session, run.item_id)
    if item is None:
        return None
    if run.state == "succeeded":
        item.published_at = run.finished_at
    left_out = await runs.last_left_out(session, run.id)
    state = state_of(run, left_out, published=item.published_at is not None)
    item.status = state.status
    item.error_code, item.error_stage, item.error_message = state.error_code, state.error_stage, state.error_message
    return item
