"""The frame around every request: its id, its log line, its metrics, and the answer to an unexpected exception.

Plain ASGI: bodies pass through untouched in both directions.
"""

import asyncio
import re
import time
import uuid
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from echoic.api.problems import internal_problem, stopping_problem
from echoic.logs import get_logger, log_context
from echoic.metrics import Metrics
from echoic.tracing import Span, span

REQUEST_ID_HEADER = "x-request-id"
NO_ROUTE = "(none)"
"""The route under which a request to an unknown path is counted."""
NO_ANSWER = 0
"""The status of a request that ended without one: the client went away."""
NOT_GUESSED = (b"x-content-type-options", b"nosniff")
"""On every answer: what claims to be audio or JSON must never be taken for a page of this site."""
IGNORED_PARAMETERS_HEADER = b"x-ignored-parameters"
"""On an answer to a request whose query has parameters that mean nothing here."""
QUIET_ROUTES = ("/health/live", "/health/ready", "/metrics")
"""Asked for every few seconds by machines; logged at the debug level."""

# What may go into our log and back out in a header.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

logger = get_logger(__name__)


class Observed:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope).get(REQUEST_ID_HEADER))
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = NO_ANSWER

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = [*_of_content(message), (REQUEST_ID_HEADER.encode(), request_id.encode()), NOT_GUESSED]
                if ignored := scope["state"].get("ignored_parameters"):
                    headers.append((IGNORED_PARAMETERS_HEADER, ignored.encode()))
                headers += scope["state"].get("cross_origin", ())
                message = {**message, "headers": headers}
            await send(message)

        with log_context(request_id=request_id), _span_of(scope) as traced:
            try:
                await self._app(scope, receive, send_named)
            except Exception:
                if status != NO_ANSWER:
                    # The answer is on its way; breaking the connection is all that can still be said.
                    raise
                logger.exception("request_failed")
                answer = scope["state"].get("internal_answer", internal_problem)
                await answer(Request(scope))(scope, receive, send_named)
            except asyncio.CancelledError:
                if status != NO_ANSWER or not scope["app"].state.stopping.is_set():
                    raise
                # The server waits no longer for this request, whose client is still there.
                answer = scope["state"].get("stopping_answer", stopping_problem)
                await answer(Request(scope))(scope, receive, send_named)
            finally:
                _tell(traced, scope, status)
                self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"]
        self._metrics.request_ended(route=route, method=method, status=status, seconds=seconds)
        log = logger.debug if route in QUIET_ROUTES else logger.info
        # Escaped: what a stranger asks for must not reach a terminal as control characters.
        path = quote(scope["path"])
        code, message = scope["state"].get("refusal", (None, None))
        refusal = {} if code is None else {"code": code, "reason": _printable(message)}
        log("request", method=method, path=path, route=route, status=status, seconds=round(seconds, 4), **refusal)


def _of_content(message: Message) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers. Where it has no content it has no type of it either, which the framework gives to each."""
    headers: list[tuple[bytes, bytes]] = list(message["headers"])
    if message["status"] != HTTPStatus.NO_CONTENT:
        return headers
    return [(name, value) for name, value in headers if name.lower() != b"content-type"]


def _span_of(scope: Scope) -> AbstractContextManager[Span | None]:
    """The span of a request, a child of what its client says; what machines ask every few seconds has none."""
    if scope["path"] in QUIET_ROUTES:
        return nullcontext()
    parent = Headers(scope=scope).get("traceparent")
    return span(scope["method"], kind="server", parent=parent, attributes={"http.request.method": scope["method"]})


def _tell(traced: Span | None, scope: Scope, status: int) -> None:
    """Say of a span what its request was; never by its path or its address, which tell of people."""
    if traced is None:
        return
    route = getattr(scope.get("route"), "path", NO_ROUTE)
    traced.rename(f"{scope['method']} {route}")
    traced.note({"http.route": route})
    if status != NO_ANSWER:
        traced.note({"http.response.status_code": status})
    code, _ = scope["state"].get("refusal", (None, None))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == NO_ANSWER:
        traced.fail(code or str(status))
    elif code is not None:
        traced.note({"error.type": code})


def _printable(text: str) -> str:
    """The text, in which a stranger's control characters are escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _request_id(given: str | None) -> str:
    return given if given is not None and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
