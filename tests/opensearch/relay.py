"""A door before a real OpenSearch as people put one there: it speaks TLS and asks for a user and a password."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import trustme

REFUSED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=UTF-8\r\nWWW-Authenticate: Basic\r\n"
    b"Content-Length: 12\r\nConnection: close\r\n\r\nUnauthorized"
)
END_OF_HEAD = b"\r\n\r\n"


@dataclass(kw_only=True)
class Relay:
    """An open door; it counts what passes."""

    behind: str
    """The address of the OpenSearch."""
    user: str
    password: str
    port: int = 0
    let_through: int = 0
    refused: int = 0

    def url(self, *, password: str | None = None) -> str:
        """Return the address with user and password, as settings name it; another password on request."""
        named = f"{quote(self.user, safe='')}:{quote(password or self.password, safe='')}"
        return f"https://{named}@localhost:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on, without its password, and its answer back."""
        try:
            head = await reader.readuntil(END_OF_HEAD)
            first, *lines = head.removesuffix(END_OF_HEAD).split(b"\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
            body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
            if headers.pop(b"authorization", b"") != self._wanted():
                self.refused += 1
                writer.write(REFUSED.removesuffix(b"Unauthorized") if first.startswith(b"HEAD ") else REFUSED)
            else:
                self.let_through += 1
                writer.write(await self._answer(first, headers | {b"connection": b"close"}, body))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone, as one does that does not trust us
        finally:
            writer.close()

    def _wanted(self) -> bytes:
        return b"Basic " + base64.b64encode(f"{self.user}:{self.password}".encode())

    async def _answer(self, first: bytes, headers: dict[bytes, bytes], body: bytes) -> bytes:
        place = urlsplit(self.behind)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            head = b"\r\n".join([first, *(name + b": " + value for name, value in headers.items())])
            writer.write(head + END_OF_HEAD + body)
            answer = await reader.read()
        finally:
            writer.close()
        status, _, rest = answer.partition(b"\r\n")
        return status + b"\r\nConnection: close\r\n" + rest


@asynccontextmanager
async def relaying(behind: str, authority: trustme.CA, *, user: str, password: str) -> AsyncIterator[Relay]:
    """Open the door at ``localhost``, with a certificate that the authority vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    relay = Relay(behind=behind, user=user, password=password)
    server = await asyncio.start_server(relay.serve, "localhost", 0, ssl=context)
    relay.port = server.sockets[0].getsockname()[1]
    async with server:
        yield relay
