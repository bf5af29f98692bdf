"""Connections to the hosts of audio URLs: the addresses, the proxy, and why TLS failed."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from queue import SimpleQueue
from threading import Thread
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import httpcore

from echoic.errors import (
    AudioUrlInvalid,
    FetchProxyUnavailable,
    SettingInvalid,
    UrlForbidden,
    UrlTlsFailed,
    UrlUnresolvable,
)
from echoic.intake.audio_url import AudioUrl, normal_host
from echoic.intake.networks import Address, AllowList, check_address, parse_address
from echoic.logs import get_logger

MAX_ADDRESSES_TRIED = 4
RESOLVE_SECONDS = 20.0
CONNECT_SECONDS = 10.0
"""For an address while there are others to try, and for a proxy to say whether it could connect."""
MAX_RESOLVER_THREADS = 8
"""Own threads: names that never resolve must not keep others from files or other work."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_SUCCESS = range(200, 300)
_REFUSALS = frozenset({403, 407})
"""Smokescreen says 407 to what its rules deny, others 403."""

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Addresses of a host name and port; raises OSError when there are none."""

logger = get_logger(__name__)


@cache
def _usual_tls() -> ssl.SSLContext:
    """Return the settings of TLS for any server; reading the authorities takes long, so one is made for a process."""
    return ssl.create_default_context()


class SystemResolver:
    """Asks the operating system, in threads that keep no process from ending.

    A name whose servers are silent takes the system some 20 s, and the threads of the standard library's pool are waited
    for when Python ends.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Future[list[Address]], str, int]] = SimpleQueue()
        self._threads: list[Thread] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        answer: Future[list[Address]] = Future()
        self._asked.put((answer, host, port))
        if len(self._threads) < MAX_RESOLVER_THREADS:
            thread = Thread(target=self._resolve, name="resolver", daemon=True)
            thread.start()
            self._threads.append(thread)
        return await asyncio.wrap_future(answer)

    def _resolve(self) -> None:
        while True:
            answer, host, port = self._asked.get()
            if not answer.set_running_or_notify_cancel():
                continue  # nobody waits any more
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answer.set_result([ip_address(entry[4][0]) for entry in found])
            except (OSError, ValueError, OverflowError) as error:
                answer.set_exception(error)


@dataclass(frozen=True, kw_only=True)
class EgressProxy(httpcore.AsyncNetworkBackend):
    """Makes the connections of a fetch; every one goes to the proxy, which is told where to."""

    scheme: str
    """Of the connection to the proxy: ``http`` or ``https``."""
    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)
    """``user:password``."""
    resolves_names: bool = False
    """Whether it is told host names and checks their addresses; otherwise it is told addresses checked here."""
    ssl_context: ssl.SSLContext = field(default_factory=_usual_tls, repr=False)
    """For the connection to the proxy itself."""

    @classmethod
    def parse(cls, url: str, *, resolves_names: bool) -> "EgressProxy":
        """A proxy by its URL, ``http://user:password@host:port``. Raises SettingInvalid, without repeating the URL."""
        try:
            parts = urlsplit(url)
            port = parts.port
            name = parts.hostname or ""
            host = normal_host(f"[{name}]" if ":" in name else name)
        except (ValueError, AudioUrlInvalid) as error:
            raise SettingInvalid(
                "ECHOIC_FETCH_PROXY_URL is no URL of a proxy, such as http://proxy.example:4750."
            ) from error
        if parts.scheme not in DEFAULT_PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise SettingInvalid(
                "ECHOIC_FETCH_PROXY_URL must be http:// or https:// with a host, and nothing after its port."
            )
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or DEFAULT_PORTS[parts.scheme],
            credentials=_credentials(parts),
            resolves_names=resolves_names,
        )

    def __str__(self) -> str:
        """Without its credentials, for logs."""
        return f"{self.scheme}://{_authority(self.host, self.port)}"

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection through the proxy.

        Raises:
            UrlForbidden: the proxy does not allow it.
            FetchProxyUnavailable: the proxy itself does not answer, or not as one.
            httpcore.ConnectError: it could not connect to there.
            httpcore.ConnectTimeout: it did not say in time whether it could.
        """
        connection = httpcore.AsyncHTTPConnection(
            origin=httpcore.Origin(self.scheme.encode(), self.host.encode(), self.port),
            ssl_context=self.ssl_context if self.scheme == "https" else None,
            local_address=local_address,
            socket_options=socket_options,
        )
        try:
            answer = await connection.handle_async_request(self._request(_authority(host, port), timeout))
        except httpcore.ReadTimeout as error:
            raise httpcore.ConnectTimeout("the proxy did not say in time whether it could connect") from error
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            logger.warning("fetch_proxy_unavailable", proxy=str(self), reason=str(error) or type(error).__name__)
            raise FetchProxyUnavailable from error
        if answer.status in _SUCCESS:
            stream: httpcore.AsyncNetworkStream = answer.extensions["network_stream"]
            return stream
        await connection.aclose()
        logger.warning("fetch_proxy_refused", proxy=str(self), host=host, port=port, status=answer.status)
        if answer.status in _REFUSALS:
            raise UrlForbidden
        raise httpcore.ConnectError(f"the proxy answered with status {answer.status}")

    def _request(self, target: str, timeout_seconds: float | None) -> httpcore.Request:
        headers: dict[bytes | str, bytes | str] = {"Host": target}
        if self.credentials is not None:
            token = base64.b64encode(self.credentials.encode()).decode("ascii")
            headers["Proxy-Authorization"] = f"Basic {token}"
        return httpcore.Request(
            "CONNECT",
            httpcore.URL(scheme=self.scheme, host=self.host, port=self.port, target=target),
            headers=headers,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write"), timeout_seconds)},
        )


def _credentials(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, kw_only=True)
class Egress:
    """The way to other hosts: one for the process. Proxies named in the environment are ignored."""

    proxy: EgressProxy | None = None
    """None: connections go to the hosts directly."""
    allowed: AllowList = field(default_factory=AllowList)
    resolve: Resolver = field(default_factory=SystemResolver)
    ssl_context: ssl.SSLContext = field(default_factory=_usual_tls)


async def checked_addresses(url: AudioUrl, egress: Egress) -> Sequence[Address]:
    """Return where to connect for this URL; all its host's addresses are fit. Raises UrlUnresolvable, UrlForbidden."""
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
            check_address(address, egress.allowed)
    return list(dict.fromkeys(addresses))[:MAX_ADDRESSES_TRIED]


async def targets_of(url: AudioUrl, egress: Egress) -> Sequence[str]:
    """The hosts to connect to for this URL, one after the other: checked addresses, or a name that a proxy resolves."""
    if egress.proxy is not None and egress.proxy.resolves_names and parse_address(url.host) is None:
        return [url.host]
    return [str(address) for address in await checked_addresses(url, egress)]


class TargetedBackend(httpcore.AsyncNetworkBackend):
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


Reason = Literal[
    "expired",
    "not_yet_valid",
    "self_signed",
    "untrusted",
    "other_name",
    "revoked",
    "too_weak",
    "invalid_certificate",
    "no_tls",
    "no_common_protocol",
    "client_certificate_wanted",
    "handshake_failed",
]

MESSAGES: Mapping[Reason, str] = {
    "expired": "The certificate of the audio URL's host has expired.",
    "not_yet_valid": "The certificate of the audio URL's host is not valid yet.",
    "self_signed": "The certificate of the audio URL's host is signed by itself, by no authority that this server trusts.",
    "untrusted": "The certificate of the audio URL's host comes from no authority that this server trusts, or its chain has "
    "a gap.",
    "other_name": "The certificate of the audio URL's host is for another name.",
    "revoked": "The certificate of the audio URL's host was revoked.",
    "too_weak": "The certificate of the audio URL's host has too weak a key or signature.",
    "invalid_certificate": "The certificate of the audio URL's host is not valid.",
    "no_tls": "The host of the audio URL does not speak TLS at this port.",
    "no_common_protocol": "The host of the audio URL offers no version and cipher of TLS that this server takes.",
    "client_certificate_wanted": "The host of the audio URL wants a certificate of its clients, and this server has none.",
    "handshake_failed": "The host of the audio URL broke off when TLS began.",
}

_BY_VERIFICATION: Mapping[int, Reason] = {
    2: "untrusted",
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    19: "untrusted",
    20: "untrusted",
    21: "untrusted",
    23: "revoked",
    62: "other_name",
    64: "other_name",
    66: "too_weak",
    67: "too_weak",
    68: "too_weak",
}
_BY_NAME: tuple[tuple[str, Reason], ...] = (
    ("UNRECOGNIZED_NAME", "other_name"),
    ("CERTIFICATE_REQUIRED", "client_certificate_wanted"),
    ("ALERT_BAD_CERTIFICATE", "client_certificate_wanted"),
    ("WRONG_VERSION_NUMBER", "no_tls"),
    ("HTTP_REQUEST", "no_tls"),
    ("PACKET_LENGTH_TOO_LONG", "no_tls"),
    ("RECORD_LAYER_FAILURE", "no_tls"),
    ("PROTOCOL", "no_common_protocol"),
    ("SSL_VERSION", "no_common_protocol"),
    ("HANDSHAKE_FAILURE", "no_common_protocol"),
    ("NO_SHARED_CIPHER", "no_common_protocol"),
    ("INSUFFICIENT_SECURITY", "no_common_protocol"),
    ("KEY_TOO_SMALL", "no_common_protocol"),
    ("LEGACY_RENEGOTIATION", "no_common_protocol"),
)
"""Parts of names, the first that fits counts."""


def tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return the error of the TLS library behind another; None where there is none."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def tls_failure(error: ssl.SSLError) -> UrlTlsFailed:
    """Return the failure as it is told; ``details`` has its ``reason`` for programs."""
    reason = _reason(error)
    failure = UrlTlsFailed(MESSAGES[reason])
    failure.details = {"reason": reason}
    return failure


def _reason(error: ssl.SSLError) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFICATION.get(error.verify_code, "invalid_certificate")
    name = error.reason or ""
    return next((reason for part, reason in _BY_NAME if part in name), "handshake_failed")
