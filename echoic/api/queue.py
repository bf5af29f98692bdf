"""The queue as a whole: how many recordings wait, and whether anybody works on them."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.problems import Problem
from echoic.db.runs import totals

router = APIRouter(tags=["queue"], responses={"default": {"model": Problem}})


class QueueBody(BaseModel):
    """The work that waits, of all accounts, and the workers."""

    workers: int = Field(description="Workers that gave a sign of life lately; without one, everything waits.")
    waiting: int = Field(description="Recordings that wait to be taken up or gone on with.")
    working: int = Field(description="Recordings that are being worked on.")
    oldest_waiting_seconds: float | None = Field(description="The time that the longest of those that wait has waited.")


@router.get("/api/queue", operation_id="getQueue")
async def get(_: Reader, components: ComponentsDep) -> QueueBody:
    """The number of recordings that wait, and of workers. Nothing is told of whose they are."""
    async with components.database.transaction() as session:
        look = await totals.look_at_queue(session, alive_seconds=components.settings.worker_stalled_seconds)
    return QueueBody.model_validate(look, from_attributes=True)
