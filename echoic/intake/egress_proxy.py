"""A proxy between this server and the hosts of audio URLs, used by HTTP's method CONNECT (RFC 9110, section 9.3.6).

It carries bytes: TLS is spoken through it with the host itself, under the host's own name and certificate.
"""

import base64
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

import httpcore

from echoic.errors import AudioUrlInvalid, FetchProxyUnavailable, SettingInvalid, UrlForbidden
from echoic.intake.audio_url import normal_host
from echoic.logs import get_logger

DEFAULT_PORTS = {"http": 80, "https": 443}

_SUCCESS = range(200, 300)
_REFUSALS = frozenset({403, 407})
"""Smokescreen says 407 to what its rules deny, others 403."""

logger = get_logger(__name__)


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
    """Whether it is told host names and judges their addresses; otherwise it is told addresses judged here."""
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)
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
        """A connection through the proxy.

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
