"""The transport of the protocol, loaded by the first who asks.

It comes with the protocol's library, which takes a fourth of the time of a server's start; most servers never meet an agent.
This module and all that the door imports must not import that library.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from echoic.mcp_server.own_names import OwnNames

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from echoic.mcp_server.wiring import Fill

PATH = "/mcp"
"""Clients compare this address character by character, so nothing redirects from it or to it."""


class Transport:
    """The transport of one server. It works while it is ``kept``."""

    def __init__(self, names: OwnNames, fill: "Fill | None", read_key: Callable[[], Awaitable[bytes]]) -> None:
        """``fill`` registers others than Echoic's own tools. What one process has sealed with the key another opens.

        The key is read for the first who asks, since the start of a server must not end at a database that is away.
        """
        self._names = names
        self._fill = fill
        self._read_key = read_key
        self._loading = asyncio.Lock()
        self._tasks: TaskGroup | None = None
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Work until the block ends."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = self._manager = None
                tasks.cancel_scope.cancel()

    async def manager(self) -> "StreamableHTTPSessionManager":
        """Return what answers requests.

        Raises DatabaseUnavailable: the key cannot be read now; RuntimeError: the transport is not kept.
        """
        async with self._loading:
            if self._manager is None:
                if self._tasks is None:
                    raise RuntimeError("The application was asked before it was started.")
                self._manager = await self._tasks.start(self._run)
            return self._manager

    async def _run(self, *, task_status: "TaskStatus[StreamableHTTPSessionManager]") -> None:
        manager = await asyncio.to_thread(self._load, await self._read_key())
        async with manager.run():
            task_status.started(manager)
            await anyio.sleep_forever()

    def _load(self, key: bytes) -> "StreamableHTTPSessionManager":
        from echoic.mcp_server.tools import add_tools
        from echoic.mcp_server.wiring import make_manager, make_server

        server = make_server(self._fill or add_tools, key=key)
        # The library stays for good, as what was loaded at the start: a search for garbage in it would delay all answers.
        gc.freeze()
        return make_manager(server, self._names, path=PATH)
