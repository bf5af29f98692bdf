"""Server-sent events of work that is done for one request and may be silent for long, such as that of a language model."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from echoic.api.all_events import STEP_SECONDS
from echoic.api.events import HEARTBEAT_SECONDS

Done = TypeVar("Done")


def event(name: str, data: BaseModel) -> bytes:
    """An event as it is sent."""
    return format_sse_event(event=name, data_str=data.model_dump_json())


async def events_of(
    work: AsyncGenerator[Done, None], as_event: Callable[[Done], bytes], stopping: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    """Yield an event for each thing that is done, and comments meanwhile; the work ends where its listener leaves.

    The work is a task of its own, so that the stream can say that it is alive while the work is silent.
    """
    done: asyncio.Queue[Done | None] = asyncio.Queue()

    async def go_on() -> None:
        try:
            async with aclosing(work):
                async for one in work:
                    done.put_nowait(one)
        finally:
            done.put_nowait(None)

    working = asyncio.create_task(go_on())
    heard_at = time.monotonic()
    try:
        while not stopping.is_set():
            try:
                async with asyncio.timeout(STEP_SECONDS):
                    one = await done.get()
            except TimeoutError:
                if time.monotonic() - heard_at >= HEARTBEAT_SECONDS:
                    heard_at = time.monotonic()
                    yield format_sse_event(comment="still here")
                continue
            heard_at = time.monotonic()
            if one is None:
                await working  # raises an error that nobody foresaw
                return
            yield as_event(one)
    finally:
        working.cancel()
        await asyncio.wait((working,))
