"""Fetch a recording from a URL that a stranger gave, without reaching what only this server can reach.

Every hop is checked: the host is resolved once, all its addresses are checked, and the connection goes to a checked
address, under the name's own certificate. So a name that answers differently the second time gains nothing. Where a
proxy resolves the names, checking their addresses is the proxy's duty; addresses in URLs are still checked here.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import httpcore

from echoic import __version__
from echoic.errors import (
    UrlAnswerUnusable,
    UrlEncoded,
    UrlRedirectsTooMany,
    UrlStatusUnusable,
    UrlTimedOut,
    UrlUnreachable,
)
from echoic.intake.audio_url import AudioUrl, redirected
from echoic.intake.body import Cap, Sink
from echoic.intake.egress import Egress, TargetedBackend, targets_of, tls_error, tls_failure

MAX_REDIRECTS = 5

_SUCCESS = range(200, 300)
_PARTIAL = 206
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ANY_REDIRECT = range(300, 400)
_SERVER_ERRORS = range(500, 600)
_WHYS: Mapping[int, str] = {
    204: "there is no content",
    205: "there is no content",
    300: "there are several files to choose from",
    304: "nothing has changed, although no earlier copy was spoken of",
    401: "it wants a login",
    402: "it wants to be paid",
    403: "it does not allow this server to read the file",
    404: "there is no such file",
    407: "a proxy wants a login",
    410: "the file is gone",
    416: "it has no such range",
    429: "it was asked too often; try again later",
    451: "it may not hand out the file for legal reasons",
}
_WITHOUT_BODY = frozenset({204, 205})
"""Successes that have no body."""
_RANGE = re.compile(r"bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAhead:
    """A body that is the file."""

    declared_bytes: int | None
    """None where nothing says how long it is."""


async def fetch(url: AudioUrl, sink: Sink, *, cap: Cap, timeout_seconds: float, egress: Egress) -> int:
    """Write what the URL answers into the sink; returns its size in bytes, which is not 0.

    The sink is the caller's to finish or to abandon. Raises the subclass of SourceUnusable that says what is wrong with
    the URL, the cap's error for an answer that is larger, before its body where it says so, FetchProxyUnavailable, and
    what the sink raises.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            for _ in range(MAX_REDIRECTS + 1):
                async with answer_of(url, await targets_of(url, egress), egress) as answer:
                    ahead = read_head(answer)
                    if isinstance(ahead, FileAhead):
                        return await _receive(answer, ahead, sink, cap)
                url = redirected(url, ahead)
            raise UrlRedirectsTooMany(f"The audio URL redirects more than {MAX_REDIRECTS} times.")
    except TimeoutError as error:
        raise UrlTimedOut(f"The audio URL did not deliver the file within {timeout_seconds:g} seconds.") from error


@asynccontextmanager
async def answer_of(
    url: AudioUrl, targets: Sequence[str], egress: Egress, more: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[httpcore.Response]:
    """Yield the head of the answer; its body is read within the block, at whose end the connection is closed.

    ``more`` are headers beside the usual ones, or in place of them.
    """
    backend = TargetedBackend(targets, egress.proxy or httpcore.AnyIOBackend())
    headers: dict[bytes | str, bytes | str] = {
        "Host": url.authority,
        "User-Agent": f"Echoic/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    headers.update(more.items())
    try:
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=egress.ssl_context, network_backend=backend, max_connections=1
            ) as pool,
            pool.stream(
                "GET",
                httpcore.URL(scheme="https", host=url.host, port=url.port, target=url.target),
                headers=headers,
                # No limits of their own on handshake and silence: all of it has one, and may use it up as it likes.
            ) as answer,
        ):
            yield answer
    except httpcore.TimeoutException as error:
        raise UrlTimedOut from error
    except httpcore.ConnectError as error:
        failure = tls_error(error)
        raise (UrlUnreachable() if failure is None else tls_failure(failure)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
        raise UrlAnswerUnusable("The connection to the audio URL broke off or did not speak proper HTTP.") from error


async def _receive(answer: httpcore.Response, ahead: FileAhead, sink: Sink, cap: Cap) -> int:
    cap.check(ahead.declared_bytes)
    size_bytes = 0
    async for chunk in answer.aiter_stream():
        size_bytes += len(chunk)
        cap.check(size_bytes)
        await sink.write(chunk)
    check_received(ahead, size_bytes)
    return size_bytes


def read_head(answer: httpcore.Response) -> str | FileAhead:
    """Return where the answer redirects to, or what is said of the file in its body.

    Raises UrlStatusUnusable and UrlEncoded with the reason.
    """
    if answer.status in _REDIRECTS:
        location = (header(answer, b"location") or "").strip()
        if not location:
            raise UrlStatusUnusable(
                f"The audio URL answered with status {answer.status} and does not say where to go on."
            )
        return location
    if answer.status not in _SUCCESS or answer.status in _WITHOUT_BODY:
        raise UrlStatusUnusable(f"The audio URL answered with status {answer.status}{_why(answer.status)}.")
    if (header(answer, b"content-encoding") or "identity").strip().lower() != "identity":
        raise UrlEncoded
    length = header(answer, b"content-length")
    declared = int(length) if length is not None and length.isascii() and length.isdigit() else None
    if answer.status == _PARTIAL:
        declared = _whole_bytes(answer, declared)
    return FileAhead(declared_bytes=declared)


def check_received(ahead: FileAhead, size_bytes: int) -> None:
    """Raise UrlAnswerUnusable where the body that came is empty, or not as long as was said."""
    if size_bytes == 0:
        raise UrlAnswerUnusable("The audio URL answered with an empty file.")
    if ahead.declared_bytes not in (None, size_bytes):
        raise UrlAnswerUnusable(
            f"The audio URL said that the file has {ahead.declared_bytes:,} bytes and sent {size_bytes:,}."
        )


def header(answer: httpcore.Response, name: bytes) -> str | None:
    """Return a header's value; several are joined. None where it is missing."""
    # A Location may hold UTF-8 as it is; what is none remains unreadable, as no URL may be.
    values = [value.decode("utf-8", "surrogateescape") for key, value in answer.headers if key.lower() == name]
    return ", ".join(values) if values else None


def _whole_bytes(answer: httpcore.Response, declared: int | None) -> int:
    """The size of the file where a part of it, for which nobody asked, is all of it. Raises UrlStatusUnusable."""
    said = f"The audio URL answered with status {answer.status}, a part of the file"
    ranged = _RANGE.fullmatch((header(answer, b"content-range") or "").strip())
    if ranged is None:
        raise UrlStatusUnusable(f"{said}, and does not say which (Content-Range).")
    first, last, total = int(ranged[1]), int(ranged[2]), ranged[3]
    if total == "*":
        raise UrlStatusUnusable(f"{said}, and does not say how long the whole is (Content-Range).")
    if first != 0 or last + 1 != int(total) or declared not in (None, int(total)):
        raise UrlStatusUnusable(f"{said}: bytes {first:,} to {last:,} of {int(total):,}; the whole is needed.")
    return int(total)


def _why(status: int) -> str:
    if status in _WHYS:
        return f": {_WHYS[status]}"
    if status in _SERVER_ERRORS:
        return ": it failed itself; try again later"
    return ": it leads nowhere" if status in _ANY_REDIRECT else ""
