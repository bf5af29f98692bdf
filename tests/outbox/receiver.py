"""A receiver of webhooks on the loopback interface, over TLS, that answers by a script and remembers what it was sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trustme

HOST = "good.example"
Answer = bytes | Callable[[asyncio.StreamWriter], "asyncio.Future[None]"]


def status(code: int, body: bytes = b"noted", **headers: str) -> bytes:
    """An answer as it goes over the wire."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {code} x\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n".encode() + body


@dataclass
class Message:
    """A request as it came."""

    head: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    port: int = 0
    answers: list[bytes] = field(default_factory=list)
    """One for each request, the last for ever."""
    messages: list[Message] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/hook"


@asynccontextmanager
async def receiving(authority: trustme.CA, *answers: bytes) -> AsyncIterator[Receiver]:
    """Run a receiver until the block ends."""
    receiver = Receiver(answers=list(answers) or [status(204, b"")])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            head = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            body = await reader.readexactly(int(head.get("content-length", "0")))
            receiver.messages.append(Message(head, body))
            writer.write(receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the sender has seen enough
        finally:
            writer.transport.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        receiver.port = server.sockets[0].getsockname()[1]
        yield receiver
