"""Health of the process: for supervisors and load balancers, without a key."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from echoic.api.context import ComponentsDep
from echoic.api.problems import RETRY_AFTER_SECONDS, Problem, problem
from echoic.db import loops
from echoic.db.connect import Database
from echoic.errors import DecoderUnavailable, Unavailable

CHECK_TIMEOUT_SECONDS = 3.0
"""A part that does not answer within this time counts as away."""

PartState = Literal["ok", "unavailable", "failing"]

router = APIRouter(tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"] = Field(default="ok", description="Always `ok`.")


class Ready(BaseModel):
    """All parts answer. A loop in the background that keeps failing is among the checks, too; requests go on without it."""

    status: Literal["ready"] = Field(default="ready", description="Always `ready`.")
    checks: dict[str, PartState]


class NotReady(Problem):
    """Some part is away."""

    checks: dict[str, PartState]


@router.get("/health/live", operation_id="checkLive")
async def live() -> Live:
    """The process runs and answers."""
    return Live()


@router.get("/health/ready", response_model=Ready, responses={503: {"model": NotReady}}, operation_id="checkReady")
async def ready(request: Request, components: ComponentsDep) -> Response:
    """Database and storage answer, and recordings can be decoded; 503 with the part that fails.

    Also tells what keeps failing in the background, and of a replica of the database whether this process reads from it.
    """
    asked = {
        "database": components.database.check(),
        "storage": components.blobs.check(),
        "decoder": components.decoder.check(),
    }
    found, failing = await asyncio.gather(
        asyncio.gather(*map(_fault, asked.values())), _failing_loops(components.database)
    )
    faults = dict(zip(asked, found, strict=True))
    checks: dict[str, PartState] = {part: "unavailable" if fault else "ok" for part, fault in faults.items()}
    checks |= dict.fromkeys(failing, "failing")
    if components.reads.has_replica:
        checks["replica"] = "ok" if components.reads.state.is_usable else "failing"
    away = [part for part, state in checks.items() if state == "unavailable"]
    if not away:
        return JSONResponse(Ready(checks=checks).model_dump())
    message = f"Not ready: {' and '.join(away)} not available."
    if isinstance(faults["decoder"], DecoderUnavailable):
        message += f" {faults['decoder'].message}"
    return problem(
        request,
        status=503,
        code="not_ready",
        message=message,
        retry_after=RETRY_AFTER_SECONDS,
        more={"checks": checks},
    )


async def _failing_loops(database: Database) -> list[str]:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS), database.transaction() as session:
            return [loop.name for loop in await loops.list_loops(session) if loop.keeps_failing]
    except (Unavailable, TimeoutError):
        return []  # that the database is away says the check of the database


async def _fault(check: Awaitable[None]) -> Unavailable | TimeoutError | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check
    except (Unavailable, TimeoutError) as error:
        return error
    return None
