"""Runs as those see them who wait for one of their stages: asked many times a second, so by the driver itself."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from echoic.db.connect import Database
from echoic.db.reads import Query
from echoic.db.runs.runs import PipelineRun, RunState, StageCheckpoint, StageResult


@dataclass(frozen=True, slots=True)
class AwaitedRun:
    """A run at one moment."""

    state: RunState
    error_code: str | None
    error_message: str | None
    stages: tuple[str, ...]
    """Those that have ended, done or left out."""
    parts: int
    """Finished parts of the stage that is being worked on."""


_STAGES = (
    select(func.array_agg(aggregate_order_by(StageResult.stage, StageResult.finished_at)))
    .where(StageResult.run_id == PipelineRun.id)
    .correlate(PipelineRun)
    .scalar_subquery()
)
_PARTS = (
    select(func.count())
    .where(StageCheckpoint.run_id == PipelineRun.id, StageCheckpoint.stage == PipelineRun.stage)
    .correlate(PipelineRun)
    .scalar_subquery()
)
_RUN = Query(
    select(PipelineRun.state, PipelineRun.error_code, PipelineRun.error_message, _STAGES, _PARTS).where(
        PipelineRun.id == bindparam("run_id", type_=BigInteger)
    )
)


async def look(database: Database, run_id: int) -> AwaitedRun | None:
    """Return a run as it stands; None where it is gone with its item. Raises DatabaseUnavailable."""
    rows = await database.read(_RUN, run_id=run_id)
    if not rows:
        return None
    state, code, message, stages, parts = rows[0]
    return AwaitedRun(state, code, message, tuple(stages or ()), parts)
