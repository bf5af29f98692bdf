"""The work of the whole installation, for administrators: the workers, and what waits and ended at each stage."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic import access
from echoic.api.auth import Manager
from echoic.api.bodies import UtcTime
from echoic.api.context import ComponentsDep
from echoic.api.problems import Problem
from echoic.db.connect import Database
from echoic.db.runs import totals, workers
from echoic.db.runs.workers import SeenWorker
from echoic.records import StageFigures

router = APIRouter(tags=["administration"], responses={"default": {"model": Problem}})


class HeldWorkBody(BaseModel):
    """The work that a worker holds."""

    stage: str | None = Field(description="null: a chore, which belongs to no recording.")
    chore: str | None = Field(description="The name of the chore; null for a stage.")
    item_id: int | None = Field(description="The item of the run; null for a chore.")
    attempt: int | None = Field(description="1: the first attempt at the stage.")
    since: UtcTime | None
    progress_seconds: float | None = Field(description="Seconds of audio the stage is through with, where it tells.")
    duration_seconds: float | None = Field(description="Length of the recording.")


class WorkerBody(BaseModel):
    """A worker. What it has not said of itself yet is null."""

    id: int
    name: str | None = Field(description="Machine and process.", examples=["host:4711"])
    version: str | None = Field(description="Of Echoic.", examples=["0.1.0"])
    queues: list[str] | None = Field(description="The queues that it takes jobs from.")
    stages_at_once: int | None = Field(description="How many stages it runs at the same time.")
    started_at: UtcTime | None
    last_heartbeat_at: UtcTime
    is_alive: bool = Field(description="False: it was silent for so long that its work is given to others.")
    work: list[HeldWorkBody] = Field(description="The stages and chores in its hands.")

    @classmethod
    def of(cls, worker: SeenWorker) -> "WorkerBody":
        """Return the worker as it is shown."""
        work = [
            HeldWorkBody(
                stage=held.stage,
                chore=None if held.stage is not None else held.task,
                item_id=held.item_id,
                attempt=held.attempt,
                since=held.since,
                progress_seconds=held.progress_seconds,
                duration_seconds=held.duration_seconds,
            )
            for held in worker.work
        ]
        return cls(
            id=worker.id,
            name=worker.name,
            version=worker.version,
            queues=worker.queues,
            stages_at_once=worker.stages_at_once,
            started_at=worker.started_at,
            last_heartbeat_at=worker.last_heartbeat_at,
            is_alive=worker.is_alive,
            work=work,
        )


class WorkerList(BaseModel):
    """All workers, the oldest first."""

    workers: list[WorkerBody]


class StageBody(BaseModel):
    """One stage, over all workers; the counts and sums run since the database was made."""

    stage: str
    waiting: int = Field(description="Recordings that wait to be worked on there.")
    oldest_waiting_seconds: float = Field(description="The time that the longest of them has waited; 0 with none.")
    done: int = Field(description="Tries that ended well.")
    seconds: float = Field(description="Time spent in them.")
    audio_seconds: float = Field(description="Length of the recordings in them.")
    failures: dict[str, int] = Field(description="Tries that ended in an error, by its code.")


class StageList(BaseModel):
    """The stages in their order."""

    stages: list[StageBody] = Field(description="The stages.")


@router.get("/api/workers", operation_id="listWorkers")
async def list_workers(caller: Manager, components: ComponentsDep) -> WorkerList:
    """The workers, when they were last heard, and what each works on; for administrators."""
    access.require_admin(caller)

    async def look(database: Database) -> list[SeenWorker]:
        async with database.transaction() as session:
            return await workers.list_workers(session, alive_seconds=components.settings.worker_stalled_seconds)

    return WorkerList(workers=[WorkerBody.of(worker) for worker in await components.reads.run(look)])


@router.get("/api/stages", operation_id="listStages")
async def list_stages(caller: Manager, components: ComponentsDep) -> StageList:
    """The jobs that wait and those that ended at each stage, as `/metrics` tells it; for administrators."""
    access.require_admin(caller)

    async def look(database: Database) -> list[StageFigures]:
        async with database.transaction() as session:
            return await totals.look_at_stages(session, components.runs.stages)

    found = await components.reads.run(look)
    return StageList(stages=[StageBody.model_validate(one, from_attributes=True) for one in found])
