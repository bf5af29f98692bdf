"""Fetch a recording from a URL that a stranger gave, without reaching what only this server can reach.

Every hop is judged anew: the host is resolved once, all its addresses are checked, and the connection goes to a checked
address, under the name's own certificate. So a name that answers differently the second time gains nothing. Where a
proxy resolves the names, judging their addresses is the proxy's duty; addresses in URLs are judged here all the same.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeAlias

import httpcore

from echoic import __version__
from echoic.errors import (
    UrlAnswerUnusable,
    UrlRedirectsTooMany,
    UrlTimedOut,
    UrlUnreachable,
    UrlUnresolvable,
)
from echoic.intake.audio_url import AudioUrl, follow
from echoic.intake.body import Cap, Sink
from echoic.intake.egress_proxy import EgressProxy
from echoic.intake.fetched_head import FileAhead, judge_received, read_head
from echoic.intake.networks import Address, AllowList, judge_address, parse_address
from echoic.intake.tls_failures import tls_error, tls_failure

MAX_REDIRECTS = 5
MAX_ADDRESSES_TRIED = 4
RESOLVE_SECONDS = 20.0
CONNECT_SECONDS = 10.0
"""For an address while there are others to try, and for a proxy to say whether it could connect."""
MAX_RESOLVER_THREADS = 8
"""Own threads: names that never resolve must not keep others from files or other work."""

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Addresses of a host name and port; raises OSError when there are none."""


class SystemResolver:
    """Asks the operating system."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_RESOLVER_THREADS, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [ip_address(entry[4][0]) for entry in found]


@dataclass(frozen=True, kw_only=True)
class Egress:
    """How this server reaches others: one for the process. Proxies named in the environment are ignored."""

    proxy: EgressProxy | None = None
    """None: connections go to the hosts directly."""
    allowed: AllowList = field(default_factory=AllowList)
    resolve: Resolver = field(default_factory=SystemResolver)
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context)


async def fetch(url: AudioUrl, sink: Sink, *, cap: Cap, timeout_seconds: float, egress: Egress) -> int:
    """Write what the URL answers into the sink; returns its size in bytes, which is not 0.

    The sink is the caller's to finish or to abandon. Raises the subclass of SourceUnusable that says what is wrong with
    the URL, the cap's error for an answer that is larger, before its body where it says so, FetchProxyUnavailable, and
    what the sink raises.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            for _ in range(MAX_REDIRECTS + 1):
                async with _answer(url, await _targets(url, egress), egress) as answer:
                    ahead = read_head(answer)
                    if isinstance(ahead, FileAhead):
                        return await _receive(answer, ahead, sink, cap)
                url = follow(url, ahead)
            raise UrlRedirectsTooMany(f"The audio URL redirects more than {MAX_REDIRECTS} times.")
    except TimeoutError as error:
        raise UrlTimedOut(f"The audio URL did not deliver the file within {timeout_seconds:g} seconds.") from error


async def checked_addresses(url: AudioUrl, egress: Egress) -> Sequence[Address]:
    """Where to connect for this URL; all its host's addresses are fit. Raises UrlUnresolvable, UrlForbidden."""
    literal = parse_address(url.host)
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            addresses = [literal] if literal is not None else await egress.resolve(url.host, url.port)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        raise UrlUnresolvable from error
    if not addresses:
        raise UrlUnresolvable
    if url.host not in egress.allowed.hosts:
        for address in addresses:
            judge_address(address, egress.allowed)
    return list(dict.fromkeys(addresses))[:MAX_ADDRESSES_TRIED]


async def _targets(url: AudioUrl, egress: Egress) -> Sequence[str]:
    """The hosts to connect to for this URL, one after the other: checked addresses, or a name that a proxy resolves."""
    if egress.proxy is not None and egress.proxy.resolves_names and parse_address(url.host) is None:
        return [url.host]
    return [str(address) for address in await checked_addresses(url, egress)]


@asynccontextmanager
async def _answer(url: AudioUrl, targets: Sequence[str], egress: Egress) -> AsyncIterator[httpcore.Response]:
    """The head of the answer; its body is read within the block, at whose end the connection is closed."""
    backend = _TargetedBackend(targets, egress.proxy or httpcore.AnyIOBackend())
    headers: dict[bytes | str, bytes | str] = {
        "Host": url.authority,
        "User-Agent": f"Echoic/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
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
    cap.judge(ahead.declared_bytes)
    size_bytes = 0
    async for chunk in answer.aiter_stream():
        size_bytes += len(chunk)
        cap.judge(size_bytes)
        await sink.write(chunk)
    judge_received(ahead, size_bytes)
    return size_bytes


class _TargetedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the given targets only, whatever host it is asked for."""

    def __init__(self, targets: Sequence[str], backend: httpcore.AsyncNetworkBackend) -> None:
        self._targets = targets
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the library's signature; the targets stand for it
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - the library's signature; ours is below
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for number, target in enumerate(self._targets, start=1):
            is_last = number == len(self._targets) and not isinstance(self._backend, EgressProxy)
            seconds = None if is_last else CONNECT_SECONDS
            try:
                return await self._backend.connect_tcp(target, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure
