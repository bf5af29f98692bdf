"""The request body between the server and the sinks: counted, capped, with a deadline, its ends named.

It knows the messages of ASGI, not who sends them: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from echoic.errors import BodyTimedOut, ClientDisconnected, FileTooLarge, LimitExceeded, RequestTooLarge
from echoic.intake.content_digest import ContentDigest

MB = 1024 * 1024
MAX_JSON_BYTES = 256 * 1024
"""Holds the longest URL, title and description even where every character is escaped."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""ASGI's callable for the next message of a request."""


class Sink(Protocol):
    """Where the bytes of a file go; a staged blob is one."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; returns when there is room for more."""
        ...


@dataclass(frozen=True, slots=True)
class Cap:
    """A number of bytes that may not be exceeded, and the error that says so."""

    max_bytes: int
    error: LimitExceeded

    def judge(self, size_bytes: int | None) -> None:
        """Raise the error for a larger size; None, a size that nobody declared, passes."""
        if size_bytes is not None and size_bytes > self.max_bytes:
            raise self.error

    def widened(self, by_bytes: int) -> "Cap":
        """The cap on a body that carries the file in a frame of at most so many bytes."""
        return Cap(self.max_bytes + by_bytes, self.error)


def file_cap(max_bytes: int) -> Cap:
    """The cap on a file; its error, FileTooLarge, names it."""
    figure = f"{max_bytes // MB} MB of 1,048,576 bytes" if max_bytes % MB == 0 else f"{max_bytes:,} bytes"
    return Cap(max_bytes, FileTooLarge(f"The file exceeds the size cap of {figure}."))


def json_cap() -> Cap:
    """The cap on a JSON body."""
    return Cap(MAX_JSON_BYTES, RequestTooLarge(f"The JSON body exceeds {MAX_JSON_BYTES:,} bytes."))


class Body:
    """A request body, iterated once, in the pieces in which it arrives.

    Iterating raises the cap's error, ClientDisconnected, BodyTimedOut when no byte came for so long, and DigestMismatch
    at the end of a body that has not the digest it should have.
    """

    def __init__(
        self, receive: Receive, *, cap: Cap, idle_timeout_seconds: float, digest: ContentDigest | None = None
    ) -> None:
        self.received_bytes = 0
        self._receive = receive
        self._cap = cap
        self._digest = digest or ContentDigest({})
        self._idle_timeout_seconds = idle_timeout_seconds

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        last_byte_at = loop.time()
        more = True
        while more:
            try:
                async with asyncio.timeout_at(last_byte_at + self._idle_timeout_seconds):
                    message = await self._receive()
            except TimeoutError as error:
                raise BodyTimedOut from error
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                self.received_bytes += len(chunk)
                self._cap.judge(self.received_bytes)
                self._digest.update(chunk)
                yield chunk
                last_byte_at = loop.time()  # after the consumer is done: only the client's silence counts
        self._digest.verify()

    async def read(self) -> bytes:
        """The whole body at once, for one with a low cap."""
        return b"".join([chunk async for chunk in self])
