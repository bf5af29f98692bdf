"""One stream of events for all that somebody may see: server-sent events, as those of one item.

A stream remembers nothing from before: it begins with `look`, and so says that things may have changed meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Depends
from fastapi.sse import format_sse_event
from starlette.requests import Request
from starlette.responses import StreamingResponse

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep, base_url
from echoic.api.document.streams import EVENT_STREAM, stream_of
from echoic.api.events import HEADERS, MAX_STREAM_SECONDS, RECONNECT_MILLISECONDS
from echoic.api.item_lists import ItemBody
from echoic.api.live import ALIVE, GoneEvent, Listener, Live
from echoic.api.problems import Problem

ALIVE_SECONDS = 15.0
"""While changes can be heard, `alive` is sent after so long without another event."""
STEP_SECONDS = 0.5
"""A stream notices within this time that the server stops."""

router = APIRouter(tags=["events"], responses={"default": {"model": Problem}})


async def live_of(request: Request) -> Live:
    return cast("Live", request.app.state.live)


@router.get(
    "/api/events",
    response_class=StreamingResponse,
    responses=stream_of({"look": None, "item": ItemBody, "gone": GoneEvent, "alive": None}),
    operation_id="streamEvents",
)
async def stream_all(
    *, caller: Reader, components: ComponentsDep, request: Request, live: Annotated[Live, Depends(live_of)]
) -> StreamingResponse:
    """Follow everything you may see.

    `look`: look at what you show again, for more may have changed than is told; every stream begins with it.
    `item`: an item is new or has changed, its transcript and its progress included (the item as in lists).
    `gone`: an item was deleted, or moved out of a dataset (id, dataset_id).
    `alive`: nothing has changed; while changes cannot be heard, it is not sent either.
    A stream ends when its key or session ends, and after 15 minutes; clients begin another.
    """
    listener = live.join(caller, base_url(request, components))
    stopping = cast("asyncio.Event", request.app.state.stopping)
    return StreamingResponse(_frames(live, listener, stopping), media_type=EVENT_STREAM, headers=HEADERS)


async def _frames(live: Live, listener: Listener, stopping: asyncio.Event) -> AsyncIterator[bytes]:
    try:
        yield format_sse_event(retry=RECONNECT_MILLISECONDS)
        ends_at = time.monotonic() + MAX_STREAM_SECONDS
        heard_at = time.monotonic()
        while time.monotonic() < ends_at and not stopping.is_set():
            messages = await listener.take(wait_seconds=STEP_SECONDS)
            if listener.ended:
                return
            if not messages and live.connected and time.monotonic() - heard_at >= ALIVE_SECONDS:
                messages = ALIVE
            if messages:
                heard_at = time.monotonic()
                yield messages
    finally:
        live.leave(listener)
