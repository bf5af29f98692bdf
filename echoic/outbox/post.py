"""One POST to a stranger's address: checked as in URL intake, without redirects, bounded in time and in bytes."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore

from echoic import __version__
from echoic.db.outbox.deliveries import Tried
from echoic.errors import EchoicError, FetchProxyUnavailable, InvalidInput, SourceUnusable
from echoic.intake.audio_url import AudioUrl
from echoic.intake.egress import Egress, TargetedBackend, targets_of, tls_error, tls_failure

WHOLE_SECONDS = 20.0
"""Time for an attempt, from the look-up of the name to the end of the answer; Standard Webhooks has 15 to 30 s."""
KEPT_CHARACTERS = 1024
MAX_ANSWER_BYTES = 65_536
"""An answer's body is read so far, then the connection is closed; the status counts whatever follows."""
SUCCESS = range(200, 300)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The outcome of an attempt."""

    tried: Tried
    retry_after_seconds: float | None = None
    is_final: bool = False
    """Whether another attempt is of no use."""

    @property
    def delivered(self) -> bool:
        return self.tried.error is None


async def post(url: AudioUrl, body: bytes, headers: Mapping[str, str], *, egress: Egress) -> Outcome:
    """Send a message; an answer with a status from 200 to 299 means that it was delivered. Raises nothing for any other."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            answer, told = await _ask(url, body, headers, egress)
    except (TimeoutError, httpcore.TimeoutException):
        return _failed(started, "receiver_timed_out")
    except (SourceUnusable, InvalidInput, FetchProxyUnavailable) as error:
        return _failed(started, _code(error))
    except (httpcore.ConnectError, ssl.SSLError) as error:
        failure = tls_error(error)
        return _failed(started, "url_unreachable" if failure is None else _code(tls_failure(failure)))
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return _failed(started, "url_answer_unusable")
    error_code = None if answer.status in SUCCESS else "receiver_refused"
    tried = Tried(seconds=time.monotonic() - started, status=answer.status, error=error_code, response=told)
    return Outcome(tried=tried, retry_after_seconds=_retry_after(answer))


async def _ask(url: AudioUrl, body: bytes, headers: Mapping[str, str], egress: Egress) -> tuple[httpcore.Response, str]:
    backend = TargetedBackend(await targets_of(url, egress), egress.proxy or httpcore.AnyIOBackend())
    sent: dict[bytes | str, bytes | str] = {
        "Host": url.authority,
        "User-Agent": f"Echoic/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    sent.update(headers)
    async with (
        httpcore.AsyncConnectionPool(
            ssl_context=egress.ssl_context, network_backend=backend, max_connections=1
        ) as pool,
        pool.stream(
            "POST",
            httpcore.URL(scheme="https", host=url.host, port=url.port, target=url.target),
            headers=sent,
            content=body,
        ) as answer,
    ):
        told = b""
        async for chunk in answer.aiter_stream():
            told += chunk
            if len(told) >= MAX_ANSWER_BYTES:
                break
        # PostgreSQL's texts cannot hold the character.
        return answer, told.decode("utf-8", "replace").replace("\0", "\ufffd")[:KEPT_CHARACTERS]


def _failed(started: float, code: str) -> Outcome:
    return Outcome(tried=Tried(seconds=time.monotonic() - started, error=code))


def _code(error: EchoicError) -> str:
    reason = error.details.get("reason")
    return error.code if reason is None else f"{error.code}: {reason}"


def _retry_after(answer: httpcore.Response) -> float | None:
    """Return for how long the receiver wants to be left alone (RFC 9110, section 10.2.3), in seconds."""
    for name, value in answer.headers:
        if name.lower() == b"retry-after":
            text = value.decode("latin-1").strip()
            if text.isascii() and text.isdigit():
                return float(text[:9])
            try:
                moment = parsedate_to_datetime(text)
            except ValueError:
                return None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return None
