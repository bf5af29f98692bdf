"""HTTPS servers on the loopback interface under a test authority, and a resolver that leads to them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
import trustme

from echoic.intake.networks import Address

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What a site does once it has read a request; the connection is closed after it."""


@dataclass
class Site:
    """An HTTPS server on the loopback interface, and what it has seen."""

    port: int = 0
    connections: int = 0
    """Made, whether or not anything was asked on them."""
    requests: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """Server names asked for in the TLS handshakes."""

    def url(self, path: str = "/talk.mp3", host: str = "good.example") -> str:
        return f"https://{host}:{self.port}{path}"


SiteMaker = Callable[..., Awaitable[Site]]


class ScriptedResolver:
    """Answers from a script: one list of addresses for each time that it is asked for a name, the last for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        lists = self.answers[host]
        return [ip_address(text) for text in (lists.pop(0) if len(lists) > 1 else lists[0])]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS settings that trust the test authority and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
async def make_site(authority: trustme.CA) -> AsyncIterator[SiteMaker]:
    """Start sites, each with its answer and certificate: ``await make_site(b"HTTP/1.1 …", certified_for=…)``."""
    async with AsyncExitStack() as stack:

        async def make(
            answer: Answer | bytes,
            *,
            certified_for: str = "good.example",
            address: str = "127.0.0.1",
            signed_by: trustme.CA = authority,
            tls: ssl.SSLContext | None = None,
        ) -> Site:
            site = Site()
            context = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if tls is None:
                signed_by.issue_cert(certified_for).configure_cert(context)

            def noted(_: ssl.SSLSocket | ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
                site.names.append(name)

            context.sni_callback = noted

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                site.connections += 1
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                    site.requests.append(head.decode())
                    if isinstance(answer, bytes):
                        writer.write(answer)
                    else:
                        await answer(writer)
                    await writer.drain()
                except (ConnectionError, asyncio.IncompleteReadError):
                    return  # the client has seen enough
                finally:
                    writer.transport.close()

            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            server = await stack.enter_async_context(
                await asyncio.start_server(serve, address, 0, ssl=context, family=family)
            )
            site.port = server.sockets[0].getsockname()[1]
            return site

        yield make
