"""Listening to streams of events, and letting things happen that they tell of."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from echoic.api.openapi import DocumentedApi
from echoic.db.items import items
from echoic.db.runs import runs
from tests.factories import Tenant, World

Received = tuple[str, dict[str, Any], str | None]


def parse(stream: str) -> list[Received]:
    """Name, data and id of each event; comments and fields without data are passed over."""
    received = []
    for block in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and line)
        if "data" in fields:
            received.append((fields.get("event", "message"), json.loads(fields["data"]), fields.get("id")))
    return received


class Listener:
    """Asks the application the way a server does, and keeps what it has sent so far."""

    def __init__(self, app: DocumentedApi, path: str, headers: dict[str, str]) -> None:
        self.sent = ""
        self.status: int | None = None
        self._more = asyncio.Event()
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "scheme": "http",
            "server": ("echoic.test", 80),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.sent += message.get("body", b"").decode()
        self._more.set()

    def leave(self) -> None:
        self._gone.set()

    async def until(self, *names: str) -> list[Received]:
        """Wait until events of these names, in this order, are all that has come."""
        async with asyncio.timeout(10):
            while [name for name, _, _ in parse(self.sent)] != list(names):
                await self.more()
        return parse(self.sent)

    async def more(self) -> None:
        """Wait until more has come."""
        self._more.clear()
        await self._more.wait()


@asynccontextmanager
async def listening(
    app: DocumentedApi, tenant: Tenant, item_id: int | None = None, **headers: str
) -> AsyncIterator[Listener]:
    """Listen to an item, or to everything."""
    path = "/api/events" if item_id is None else f"/api/items/{item_id}/events"
    async with streaming(app, path, {**tenant.headers, **headers}) as listener:
        yield listener


@asynccontextmanager
async def streaming(app: DocumentedApi, path: str, headers: dict[str, str]) -> AsyncIterator[Listener]:
    """Ask for a stream, and end it with the block."""
    listener = Listener(app, path, headers)
    try:
        yield listener
    finally:
        listener.task.cancel()
        with suppress(asyncio.CancelledError):
            await listener.task


async def happen(world: World, item_id: int, *, event: str | None = None, **columns: Any) -> None:
    """Let a run go on as a worker does."""
    async with world.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        for name, value in columns.items():
            setattr(run, name, value)
        if event is not None:
            await runs.add_event(session, run, event)
        item = await items.get_item(session, item_id)
        assert item is not None
        if run.state == "succeeded":
            item.status = "published"
        elif run.state == "failed":
            item.status, item.error_code, item.error_stage = "failed", "engine_failed", run.stage
