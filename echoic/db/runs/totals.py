"""Running totals of the pipeline and a snapshot of its queue, for metrics and the status page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base
from echoic.db.runs import workers
from echoic.db.runs.runs import ACTIVE_STATES, PipelineRun
from echoic.records import StageFigures

DONE = ""
"""The ``code`` under which successful executions of a stage are counted."""


class StageTotal(Base):
    """The number of times that a stage ended in a way (done, or an error code), and the seconds it took in all."""

    __tablename__ = "stage_totals"

    stage: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(server_default=text("0"))
    seconds: Mapped[float] = mapped_column(server_default=text("0"))
    audio_seconds: Mapped[float] = mapped_column(server_default=text("0"))


@dataclass(frozen=True, kw_only=True, slots=True)
class StageQueue:
    """Runs waiting at one stage."""

    stage: str
    depth: int
    oldest_seconds: float


async def count_stage(
    session: AsyncSession, *, stage: str, code: str = DONE, seconds: float, audio_seconds: float = 0.0
) -> None:
    """Add one execution of a stage to the totals."""
    row = insert(StageTotal).values(stage=stage, code=code, count=1, seconds=seconds, audio_seconds=audio_seconds)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[StageTotal.stage, StageTotal.code],
            set_={
                "count": StageTotal.count + 1,
                "seconds": StageTotal.seconds + row.excluded.seconds,
                "audio_seconds": StageTotal.audio_seconds + row.excluded.audio_seconds,
            },
        )
    )


async def list_totals(session: AsyncSession) -> list[StageTotal]:
    """Return all totals."""
    return list(await session.scalars(select(StageTotal).order_by(StageTotal.stage, StageTotal.code)))


async def list_queues(session: AsyncSession) -> list[StageQueue]:
    """For each stage the runs that wait to be worked on there."""
    waited = func.extract("epoch", func.now() - func.min(PipelineRun.waiting_since))
    rows = await session.execute(
        select(PipelineRun.stage, func.count(), waited)
        .where(PipelineRun.state.in_(ACTIVE_STATES), PipelineRun.claim.is_(None))
        .group_by(PipelineRun.stage)
    )
    return [StageQueue(stage=row[0], depth=row[1], oldest_seconds=float(row[2])) for row in rows]


async def look_at_stages(session: AsyncSession, names: Sequence[str] = ()) -> list[StageFigures]:
    """Return the jobs waiting and ended at each stage: the stages named, in their order, then others that are known."""
    stages = {name: StageFigures(stage=name) for name in names}
    for queue in await list_queues(session):
        figures = stages.setdefault(queue.stage, StageFigures(stage=queue.stage))
        figures.waiting, figures.oldest_waiting_seconds = queue.depth, queue.oldest_seconds
    for total in await list_totals(session):
        figures = stages.setdefault(total.stage, StageFigures(stage=total.stage))
        if total.code == DONE:
            figures.done, figures.seconds, figures.audio_seconds = total.count, total.seconds, total.audio_seconds
        else:
            figures.failures[total.code] = total.count
    return list(stages.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueLook:
    """The queue of all accounts at one moment, and who works on it."""

    workers: int
    """Those that gave a sign of life lately."""
    waiting: int
    working: int
    oldest_waiting_seconds: float | None


async def look_at_queue(session: AsyncSession, *, alive_seconds: float) -> QueueLook:
    """Return how much work there is and who is there to do it; a worker silent for longer than that is not counted."""
    waiting = PipelineRun.claim.is_(None)
    runs = await session.execute(
        select(
            func.count().filter(waiting),
            func.count().filter(~waiting),
            func.extract("epoch", func.now() - func.min(PipelineRun.waiting_since).filter(waiting)),
        ).where(PipelineRun.state.in_(ACTIVE_STATES))
    )
    waits, works, oldest_seconds = runs.one()
    return QueueLook(
        workers=await workers.count_alive(session, alive_seconds=alive_seconds),
        waiting=waits,
        working=works,
        oldest_waiting_seconds=cast("float | None", oldest_seconds),
    )
