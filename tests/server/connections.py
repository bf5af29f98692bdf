"""A server with our connections in this process, and raw sockets that talk to it."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from echoic.server.bounded_heads import BoundedHeadProtocol
from tests.waiting import until

LARGE_BYTES = 16 * 1024 * 1024
"""More than the kernel's buffers hold."""


class Program:
    """An application that says what it was asked; at /hold it waits until it is let go, at /large it says much."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked: list[dict[str, Any]] = []
        self.disconnects = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope)
        if scope["path"] == "/hold":
            await self.go_on.wait()
        body, more = b"", scope["path"] == "/read"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnects += 1
                return
            body, more = body + message["body"], message["more_body"]
        said = bytes(LARGE_BYTES) if scope["path"] == "/large" else scope["path"].encode() + b" " + body
        length = (b"content-length", str(len(said)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": said})


class Served:
    """A server with its program."""

    def __init__(self, program: Program, server: uvicorn.Server, port: int) -> None:
        self.program = program
        self.server = server
        self.port = port
        self._opened: list[Connection] = []

    async def connect(self) -> "Connection":
        self._opened.append(Connection(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)))
        return self._opened[-1]

    async def until_left(self, number: int) -> None:
        """Wait until the server has so few connections."""

        async def left() -> bool:
            return len(self.server.server_state.connections) <= number

        await until(left, f"{number} connections are left")

    async def close(self) -> None:
        for one in self._opened:
            one.writer.transport.abort()
        await asyncio.gather(*(one.writer.wait_closed() for one in self._opened), return_exceptions=True)
        await self.until_left(0)


class Connection:
    """Somebody's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send what the server takes."""
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def answer(self) -> tuple[int, bytes, bytes]:
        """Status, head and body of the next answer."""
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None, head
            return int(head.split()[1]), head, await self.reader.readexactly(int(length[1]))

    async def ends(self) -> bytes:
        """What still comes until the server ends the connection."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read(-1)
            except ConnectionError:
                return b""


@contextlib.asynccontextmanager
async def serving(
    program: Program, protocol: Callable[..., HttpToolsProtocol] = BoundedHeadProtocol, **config: Any
) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    made_by: Any = protocol
    configured = uvicorn.Config(program, http=made_by, ws="none", log_config=None, lifespan="off", **config)
    server = uvicorn.Server(configured)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # pytest's own stay
    running = asyncio.create_task(server.serve(sockets=[listener]))
    made = Served(program, server, listener.getsockname()[1])
    yield made
    await made.close()
    server.force_exit = server.should_exit = True
    await running
