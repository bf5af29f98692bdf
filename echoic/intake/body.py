"""The request body between the server and the sinks: counted, capped, with a deadline, its ends named, its digest verified.

It knows the messages of ASGI, not who sends them: https://asgi.readthedocs.io/en/latest/specs/www.html
The digest is that of the header Content-Digest (RFC 9530), over the whole body with a form's frame.
"""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from echoic.errors import (
    BodyTimedOut,
    ClientDisconnected,
    DigestMismatch,
    FieldInvalid,
    FileTooLarge,
    LimitExceeded,
    RequestTooLarge,
)
from echoic.units import MB

PLAIN = "identity"
"""The one content coding that is taken (RFC 9110, section 8.4): none."""
MAX_JSON_BYTES = 256 * 1024
"""Holds the longest URL, title and description even where every character is escaped."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""ASGI's callable for the next message of a request."""


class Sink(Protocol):
    """A destination of a file's bytes; a staged blob is one."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; returns when there is room for more."""
        ...


@dataclass(frozen=True, slots=True)
class Cap:
    """A number of bytes that may not be exceeded, and the error that says so."""

    max_bytes: int
    error: LimitExceeded

    def check(self, size_bytes: int | None) -> None:
        """Raise the error for a larger size; None, a size that nobody declared, passes."""
        if size_bytes is not None and size_bytes > self.max_bytes:
            raise self.error

    def widened(self, by_bytes: int) -> "Cap":
        """Return the cap on a body that carries the file in a frame of at most so many bytes."""
        return Cap(self.max_bytes + by_bytes, self.error)


def file_cap(max_bytes: int) -> Cap:
    """Return the cap on a file; its error, FileTooLarge, names it."""
    figure = f"{max_bytes // MB} MB" if max_bytes % MB == 0 else f"{max_bytes:,} bytes"
    return Cap(max_bytes, FileTooLarge(f"The file exceeds the size cap of {figure}."))


def json_cap() -> Cap:
    """Return the cap on a JSON body."""
    return Cap(MAX_JSON_BYTES, RequestTooLarge(f"The JSON body exceeds {MAX_JSON_BYTES:,} bytes."))


def media_type(content_type: str) -> str:
    """Return the type that a header Content-Type names, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_plain(content_encoding: str) -> bool:
    """Return whether a header Content-Encoding names no coding that would have to be undone."""
    return all(coding.strip().lower() in ("", PLAIN) for coding in content_encoding.split(","))


def declared_bytes(content_length: str | None) -> int | None:
    """Return the length of a body by the header Content-Length; None where there is none. Raises FieldInvalid."""
    if content_length is None:
        return None
    if not (content_length.isascii() and content_length.isdigit()):
        raise FieldInvalid("The Content-Length header is not a number.")
    return int(content_length)


DIGEST_ALGORITHMS: Mapping[str, Callable[[], Any]] = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""Those in use; the others of RFC 9530 are broken ones and are ignored as unknown ones are."""

# A member of a dictionary whose values are byte sequences, with its parameters: RFC 9651 §3.2, 3.3.5, 3.1.2.
_DIGEST_KEY = r"[a-z*][a-z0-9_.*-]*"
_DIGEST_BYTES = r":[A-Za-z0-9+/=]*:"
_WORD = r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*"
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_BARE = rf"(?:{_STRING}|{_DIGEST_BYTES}|{_WORD}|\?[01]|@?-?[0-9]{{1,15}}(?:\.[0-9]{{1,3}})?)"
_MEMBER = re.compile(rf"({_DIGEST_KEY})=({_DIGEST_BYTES})(?:; *{_DIGEST_KEY}(?:={_BARE})?)*")
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")


class ContentDigest:
    """The digests that a body must have, computed as it passes."""

    def __init__(self, expected: Mapping[str, bytes]) -> None:
        self._expected = expected
        self._digests = {algorithm: DIGEST_ALGORITHMS[algorithm]() for algorithm in expected}

    @classmethod
    def parse(cls, header: str) -> "ContentDigest":
        """Read the header; one without a known algorithm demands nothing. Raises FieldInvalid."""
        return cls(parse_digests("Content-Digest", header))

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is demanded of the body."""
        return not self._expected

    def update(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        for digest in self._digests.values():
            digest.update(chunk)

    def check(self) -> None:
        """The body has ended; raise DigestMismatch where it is not the one that was meant."""
        for algorithm, digest in self._digests.items():
            if digest.digest() != self._expected[algorithm]:
                raise DigestMismatch(f"The {algorithm} of the request's body is not the one in Content-Digest.")


def parse_digests(name: str, header: str) -> dict[str, bytes]:
    """Return the digests of known algorithms in a header of RFC 9530, whose name is for the message. Raises FieldInvalid."""
    expected: dict[str, bytes] = {}
    for algorithm, value in _members(name, header.strip(" ")):
        if algorithm not in DIGEST_ALGORITHMS:
            continue
        try:
            expected[algorithm] = base64.b64decode(value.strip(":"), validate=True)
        except binascii.Error as error:
            raise FieldInvalid(f"The {name} header has a {algorithm} that is not base64.") from error
        if len(expected[algorithm]) != DIGEST_ALGORITHMS[algorithm]().digest_size:
            raise FieldInvalid(f"The {name} header has a {algorithm} of the wrong length.")
    return expected


def _members(name: str, text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        if found:
            separator = _SEPARATOR.match(text, position)
            position = separator.end() if separator is not None else len(text) + 1
        member = _MEMBER.match(text, position)
        if member is None:
            raise FieldInvalid(
                f"The {name} header is not as RFC 9530 has it; sha-256=:<digest in base64>: is an example."
            )
        found.append((member[1], member[2]))
        position = member.end()
    return found


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
        silence = _Silence(self._idle_timeout_seconds)
        more = True
        try:
            while more:
                message = await self._next(silence)
                more = message.get("more_body", False)
                if chunk := message.get("body", b""):
                    self.received_bytes += len(chunk)
                    self._cap.check(self.received_bytes)
                    self._digest.update(chunk)
                    yield chunk
                    silence.begin()  # after the consumer is done: only the client's silence counts
        finally:
            silence.stop()
        self._digest.check()

    async def _next(self, silence: "_Silence") -> MutableMapping[str, Any]:
        silence.is_heard = True
        try:
            message = await self._receive()
        except asyncio.CancelledError as error:
            if silence.has_cancelled():
                raise BodyTimedOut from error
            raise
        finally:
            silence.is_heard = False
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        return message

    async def read(self) -> bytes:
        """Return the whole body at once, for one with a low cap."""
        return b"".join([chunk async for chunk in self])


class _Silence:
    """Cancels the task that waits for a client once it has been silent for too long, as ``asyncio.timeout`` does.

    One timer for the whole body: one for each of its pieces costs more than everything else that is done with a piece.
    """

    def __init__(self, seconds: float) -> None:
        self.is_heard = False
        """Whether the client is waited for now; what a consumer does with a piece is never cut off."""
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._cancels_before = self._task.cancelling() if self._task is not None else 0
        self._is_over = False
        self._until = 0.0
        self.begin()
        self._timer = self._loop.call_at(self._until, self._look)

    def begin(self) -> None:
        """Note that a byte has come."""
        self._until = self._loop.time() + self._seconds

    def stop(self) -> None:
        self._timer.cancel()

    def has_cancelled(self) -> bool:
        """Return whether a cancellation is ours alone; takes it back."""
        if not self._is_over or self._task is None:
            return False
        self._is_over = False
        return self._task.uncancel() <= self._cancels_before

    def _look(self) -> None:
        now = self._loop.time()
        if not self.is_heard:
            self._timer = self._loop.call_at(now + self._seconds, self._look)
        elif now < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        elif self._task is not None:
            self._is_over = True
            self._task.cancel()
