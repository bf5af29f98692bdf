"""Start, cancel and retry a run: what the API and the command line call, each inside the caller's transaction."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item, get_item
from echoic.db.runs import item_state, runs
from echoic.db.runs.runs import DEFAULT_PRIORITY, PipelineRun
from echoic.errors import ItemNotFound, RunActive, RunNotActive
from echoic.pipeline.queue import JobQueue
from echoic.pipeline.stage import StageTable
from echoic.pipeline.state_machine import mark_cancelled


class RunControl:
    """Controls runs of one stage table."""

    def __init__(self, queue: JobQueue, table: StageTable[Any]) -> None:
        self._queue = queue
        self._table = table

    async def start(
        self,
        session: AsyncSession,
        item: Item,
        *,
        priority: int = DEFAULT_PRIORITY,
        options: dict[str, Any] | None = None,
    ) -> PipelineRun:
        """Queue a new run of all stages for an item; raises RunActive.

        ``options`` are asked of the stages beside those that the item came with, and count before them.
        """
        newest = await runs.newest_run(session, item.id, lock=True)
        if newest is not None and newest.active:
            raise RunActive
        first = self._table.first
        run = await runs.create_run(
            session, item_id=item.id, stage=first.name, priority=priority, options=item.options | (options or {})
        )
        await item_state.show_run(session, run)
        await self._queue.put(session, run, first)
        return run

    async def cancel(self, session: AsyncSession, item_id: int) -> PipelineRun:
        """Cancel an item's run: at once where nobody works on it, else as soon as its worker notices.

        Raises:
            RunNotActive: there is nothing to cancel.
        """
        run = await runs.newest_run(session, item_id, lock=True)
        if run is None or not run.active:
            raise RunNotActive
        run.cancel_requested = True
        if run.claim is None:
            await mark_cancelled(session, run)
        return run

    async def retry(self, session: AsyncSession, item_id: int, *, options: dict[str, Any] | None = None) -> PipelineRun:
        """Take a failed or cancelled run up again at the stage where it ended; finished stages are not repeated.

        ``options`` replace those of the same names for what is left to do.

        Raises:
            RunActive: the run is still on its way.
            RunNotActive: there is no failed or cancelled run.
        """
        run = await runs.newest_run(session, item_id, lock=True)
        if run is not None and run.active:
            raise RunActive
        if await get_item(session, item_id) is None:
            raise ItemNotFound
        if run is None or run.state == "succeeded":
            raise RunNotActive("The item has no failed or cancelled run to take up again.")
        run.state = "queued"
        run.options = run.options | (options or {})
        run.cancel_requested, run.attempt, run.claim, run.claimed_by = False, 0, None, None
        run.error_code = run.error_stage = run.error_message = run.finished_at = None
        run.waiting_since = await runs.now(session)
        await runs.add_event(session, run, "queued")
        await item_state.show_run(session, run)
        await self._queue.put(session, run, self._table[run.stage])
        return run
