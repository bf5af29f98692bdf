"""The events of an item as they happen: server-sent events (https://html.spec.whatwg.org/#server-sent-events).

The database is looked at again and again while a client listens: the work is done by other processes, often on other
machines, and a look costs three reads of single rows.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import StreamingResponse

from echoic import access
from echoic.access import Caller
from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.document.streams import EVENT_STREAM, stream_of
from echoic.api.items import Failure, NoticeBody
from echoic.api.parameters import MAX_ID, Id
from echoic.api.problems import Problem
from echoic.compose import Components
from echoic.db.items.shown_items import notices_of
from echoic.db.runs import runs
from echoic.db.runs.runs import RunEvent
from echoic.db.transcripts import transcripts
from echoic.errors import DatabaseUnavailable, ItemNotFound
from echoic.reading.item_states import ON_HOLD, STATUS, ShownStatus, is_on_hold, shown_status
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import policy_for
from echoic.redaction.transcripts import notice

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
"""A comment is sent after so long without an event, so that proxies keep the connection."""
MAX_STREAM_SECONDS = 900.0
"""A stream ends after this time; the client's next one goes on where this one ended, after another check of the key."""
RECONNECT_MILLISECONDS = 1000

HEADERS = {
    "Cache-Control": "no-cache",
    # nginx would collect events before it passes them on.
    "X-Accel-Buffering": "no",
}

ENDED_STATUSES = ("stored", "published", "failed", "cancelled")


class StageEvent(BaseModel):
    """A stage of an item's run went on."""

    stage: str
    event: str = Field(description="What happened: `queued`, `claimed`, `done`, `failed` and so on.", examples=["done"])
    attempt: int = Field(description="Which try of the stage it was, from 1.")
    code: str | None = Field(description="The error's code, where one was the reason.")
    message: str | None = Field(description="The same in a sentence for people.")
    at: str = Field(description="The time when it happened, in UTC.", json_schema_extra={"format": "date-time"})


class ProgressEvent(BaseModel):
    """A stage is so far."""

    stage: str | None
    seconds: float = Field(description="Seconds of audio that are done.")
    duration_seconds: float | None


class EndEvent(BaseModel):
    """Nothing more will come."""

    status: ShownStatus = Field(description=STATUS)
    on_hold: bool = Field(description=ON_HOLD)
    error: Failure | None = Field(description="Why the item failed; else null.")
    notices: list[NoticeBody] = Field(description="What was left out, guessed or cut.")


router = APIRouter(tags=["events"], responses={"default": {"model": Problem}})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """An item and a run of it at one moment."""

    events: tuple[RunEvent, ...]
    progress: dict[str, Any] | None
    end: dict[str, Any] | None


@router.get(
    "/api/items/{item_id}/events",
    response_class=StreamingResponse,
    responses=stream_of({"stage": StageEvent, "progress": ProgressEvent, "end": EndEvent}),
    operation_id="streamItemEvents",
)
async def stream(
    item_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    request: Request,
    last_event_id: Annotated[str | None, Header(description="Go on after this event.")] = None,
) -> StreamingResponse:
    """Follow an item.

    `stage`: a stage was queued, claimed, done, failed … (stage, event, attempt, code, message, at).
    `progress`: how far it is (stage, seconds of audio done, duration_seconds).
    `end`: nothing more will come (status, on_hold, error, notices).
    Those who are not members are told of the run that made the published transcript, and of no later one.
    """
    async with components.database.transaction() as session:
        await readable_item(session, item_id, caller)
    return StreamingResponse(
        _frames(components, caller, item_id, _number(last_event_id), cast("asyncio.Event", request.app.state.stopping)),
        media_type=EVENT_STREAM,
        headers=HEADERS,
    )


async def _frames(
    components: Components, caller: Caller, item_id: int, last_event: int, stopping: asyncio.Event
) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RECONNECT_MILLISECONDS)
    ends_at = time.monotonic() + MAX_STREAM_SECONDS
    heard_at = time.monotonic()
    progress: dict[str, Any] | None = None
    while time.monotonic() < ends_at and not stopping.is_set():
        try:
            look = await _look(components, caller, item_id, last_event)
        except ItemNotFound:
            return  # deleted, or no longer open to the caller
        except DatabaseUnavailable:
            look = _Look(events=(), progress=progress, end=None)
        frames = [_frame("stage", _transition(event), number=event.id) for event in look.events]
        if look.progress is not None and look.progress != progress:
            frames.append(_frame("progress", look.progress))
        if look.end is not None:
            frames.append(_frame("end", look.end))
        if not frames and time.monotonic() - heard_at >= HEARTBEAT_SECONDS:
            frames.append(format_sse_event(comment="still here"))
        if frames:
            heard_at = time.monotonic()
            yield b"".join(frames)
        if look.end is not None:
            return
        progress = look.progress
        last_event = look.events[-1].id if look.events else last_event
        await _wait(stopping)


async def _look(components: Components, caller: Caller, item_id: int, last_event: int) -> _Look:
    async with components.database.transaction() as session:
        view = await readable_item(session, item_id, caller)
        item, sees_work = view.item, access.sees_work(view.role)
        run = await (runs.newest_run(session, item_id) if sees_work else transcripts.run_of(session, item))
        # Events come last: then those that led to the state just read are among them.
        events = await runs.list_events(session, run.id, after_id=last_event) if run is not None else []
        has_ended = item.status in ENDED_STATUSES and (run is None or not run.active)
        notices = await notices_of(session, item_id) if has_ended else []
        policy = policy_for(view)
        if has_ended and policy is not None:
            notices = [*notices, notice(policy).to_object()]
    progress = None
    if run is not None and run.active and run.progress_seconds is not None:
        progress = ProgressEvent(
            stage=run.stage, seconds=run.progress_seconds, duration_seconds=item.duration_seconds
        ).model_dump()
    end = None
    if has_ended:
        end = EndEvent(
            status=shown_status(item.status),
            on_hold=is_on_hold(item.status),
            error=Failure.of(item) if sees_work else None,
            notices=[NoticeBody.model_validate(each) for each in notices],
        ).model_dump()
    return _Look(events=tuple(events), progress=progress, end=end)


async def _wait(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await stopping.wait()
    except TimeoutError:
        return


def _transition(event: RunEvent) -> dict[str, Any]:
    return StageEvent(
        stage=event.stage,
        event=event.event,
        attempt=event.attempt,
        code=event.code,
        message=event.message,
        at=event.at.astimezone(UTC).isoformat(),
    ).model_dump()


def _frame(name: str, data: dict[str, Any], *, number: int | None = None) -> bytes:
    return format_sse_event(
        event=name, data_str=json.dumps(data, ensure_ascii=False), id=None if number is None else str(number)
    )


def _number(last_event_id: str | None) -> int:
    """0, the beginning, for what no event of ours was called."""
    if last_event_id is None or not last_event_id.isascii() or not last_event_id.isdigit():
        return 0
    return min(int(last_event_id[:20]), MAX_ID)
