"""Requests that a library makes of a host that the operator named, and of hosts that this one names in turn.

The named host is asked where it is, also on an internal network: that is the operator's word. The hosts that it names are
strangers: they are reached as those of audio URLs are, at checked addresses, over TLS and through the proxy.
"""

import asyncio
import ssl
from urllib.parse import urlsplit

import httpcore
import httpx2

from echoic.errors import AudioUrlInvalid, SourceUnusable
from echoic.intake.audio_url import parse_audio_url
from echoic.intake.egress import DEFAULT_PORTS, Egress, TargetedBackend, targets_of

WHOLE_SECONDS = 15.0
"""Time for one request and its answer."""
MAX_ANSWER_BYTES = 1_048_576
"""Descriptions, keys and tokens of a provider have a few kilobytes."""
MUCH_TOO_LONG = "the answer has more than a megabyte"

_PLAIN = [(b"Accept-Encoding", b"identity"), (b"Connection", b"close")]
_OURS = frozenset(name.lower() for name, _ in _PLAIN)


class OutgoingTransport(httpx2.AsyncBaseTransport):
    """Sends the requests of an httpx2 client. Answers are small and read whole; redirects are not followed by it."""

    def __init__(self, egress: Egress, *, named: str) -> None:
        self._egress = egress
        self._named = _origin(named)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises httpx2.TransportError, whatever went wrong."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                return await self._ask(request)
        except TimeoutError as error:
            raise httpx2.ReadTimeout("no answer in time", request=request) from error
        except (AudioUrlInvalid, SourceUnusable, httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise httpx2.ConnectError(str(error) or type(error).__name__, request=request) from error

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        url, backend = str(request.url), httpcore.AnyIOBackend()
        network: httpcore.AsyncNetworkBackend = backend
        if _origin(url) != self._named:
            network = TargetedBackend(
                await targets_of(parse_audio_url(url), self._egress), self._egress.proxy or backend
            )
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._egress.ssl_context, network_backend=network, max_connections=1
            ) as pool,
            pool.stream(
                request.method,
                url,
                headers=[(name, value) for name, value in request.headers.raw if name.lower() not in _OURS] + _PLAIN,
                content=await request.aread(),
            ) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx2.ReadError(MUCH_TOO_LONG, request=request)
            return httpx2.Response(answer.status, headers=answer.headers, content=body, request=request)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
