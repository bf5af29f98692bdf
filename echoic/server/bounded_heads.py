"""Connections that cost little until a request is known, and end when nothing moves on them.

Uvicorn and its parser keep every byte of a request's head, for as long as it takes to come. Here a head has bounds on
its bytes, its fields and its time. Bytes between the parts of a body and behind it have the same bounds. Few requests
may be sent ahead, and a client that takes nothing of an answer is not waited for. Where connections run out, the one
that has waited longest for a request makes room.
"""

import asyncio
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from echoic.api.cross_origin import answer_fields
from echoic.api.refusals import as_bytes, refusing
from echoic.errors import EchoicError, HeadTimedOut, HeadTooLarge, RequestMalformed, ServerBusy, UrlTooLong
from echoic.logs import get_logger
from echoic.origins import NO_ORIGINS, Origins
from echoic.server.early_answers import EarlyAnswerProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request's line and headers, and of chunk frames and trailers between and behind the bytes of a body."""
MAX_URL_BYTES = 16 * 1024
MAX_FIELDS = 100
"""Headers and trailers of one request."""
MAX_SENT_AHEAD = 8
"""Requests that may wait on a connection for the answer to the one before."""
HEAD_SECONDS = 10.0
"""From the opening of the connection, or the first byte of a further request, until the head is complete."""
TAKE_SECONDS = 60.0
"""Time for the client to take some of the bytes that wait to be sent to it."""

logger = get_logger(__name__)


class BoundedHeadProtocol(EarlyAnswerProtocol):
    """One HTTP connection, with bounds on the bytes, the fields and the time of each request's head."""

    def __init__(self, *arguments: Any, origins: Origins = NO_ORIGINS, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._origins = origins
        self._is_in_head = True
        """True between two requests and in the head of one."""
        self._is_begun = False
        """True once some of a head has come."""
        self._unused_bytes = 0
        """Bytes that came since the head began, or since the last byte of the body."""
        self._fields = 0
        self._wrong: EchoicError | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._take_timer: asyncio.TimerHandle | None = None
        self._waits_since = 0.0

    @property
    def is_waiting(self) -> bool:
        """True while no request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._await_head()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._take_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self.discards:
            # The parser keeps what it is given: of a head it is given no more than that may have.
            room = MAX_HEAD_BYTES - self._unused_bytes if self._is_in_head else len(data)
            self._parse(data[start : start + room])
            start += room
        if start < len(data):
            super().data_received(data[start:])

    def _parse(self, piece: bytes) -> None:
        self._unused_bytes += len(piece)
        if self._is_in_head:
            self._await_head()
        super().data_received(piece)
        if self._unused_bytes >= MAX_HEAD_BYTES and not self.discards:
            self._refuse(HeadTooLarge(f"The head of the request has more than {MAX_HEAD_BYTES:,} bytes."))

    # What the parser finds

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_SENT_AHEAD:
            self._stop_parsing(
                RequestMalformed(f"More than {MAX_SENT_AHEAD} requests were sent ahead of their answers.")
            )
        super().on_message_begin()
        self._is_begun, self._fields = True, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._stop_parsing(UrlTooLong(f"The URL has more than {MAX_URL_BYTES:,} bytes."))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            self._stop_parsing(HeadTooLarge(f"The request has more than {MAX_FIELDS} headers."))
        if self._is_in_head:  # else it is a trailer, for which nobody asks
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._is_in_head = self._is_begun = False
        self._unused_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_body(self, body: bytes) -> None:
        self._unused_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_head = True
        self._unused_bytes = 0
        super().on_message_complete()

    def _stop_parsing(self, error: EchoicError) -> None:
        """Raise the error through the parser, which then asks for ``send_400_response``."""
        self._wrong = error
        raise error

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - as in uvicorn
        self._refuse(self._wrong or RequestMalformed())

    # Refusals

    def _refuse(self, error: EchoicError) -> None:
        """Send the error and end the connection; where an answer is under way, the connection ends with that one."""
        if self.discards or self.transport.is_closing():
            return
        logger.info("request_head_refused", code=error.code, read_bytes=self.read_bytes)
        self.discards = True
        if not self.is_waiting:
            if not self.cycle.more_body:
                # It is the head of a further request; the answers to those before it come first.
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self.transport.write(as_bytes(error, answer_fields(self._origins, self._origin())))
        self.linger()

    def _origin(self) -> str | None:
        """Return the origin of the page that asks, as far as the head has come."""
        found = [value for name, value in self.headers or () if name == b"origin"]
        return found[0].decode("latin-1") if len(found) == 1 else None

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._check_head)

    def _check_head(self) -> None:
        self._head_timer = None
        if not self.is_waiting:
            self._await_head()  # while an answer is under way it may be us who do not read
        elif self._is_begun:
            self._refuse(HeadTimedOut(f"The head of the request was not complete within {HEAD_SECONDS:.0f} seconds."))
        else:
            self.transport.close()

    # Too many connections, too slow takers

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, BoundedHeadProtocol) and one is not self]
        waiting = [one for one in others if one.is_waiting]
        if waiting:
            longest = min(waiting, key=lambda one: one._waits_since)  # noqa: SLF001 - of the same class
            self.connections.discard(longest)
            longest.transport.abort()
        logger.debug("connections_at_limit", limit=self.limit_concurrency, made_room=bool(waiting))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # Uvicorn hands in an application of its own where there are too many; its answer is no body of ours.
        busy: Any = refusing(ServerBusy(), self._origins)
        super()._start_asgi_task(cycle, app if app is self.app else busy)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waits_since = self.loop.time()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_taker(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        if self._take_timer is not None:
            self._take_timer.cancel()
        super().resume_writing()

    def _await_taker(self, size_bytes: int) -> None:
        self._take_timer = self.loop.call_later(TAKE_SECONDS, self._check_taker, size_bytes)

    def _check_taker(self, before_bytes: int) -> None:
        now_bytes = self.transport.get_write_buffer_size()
        if now_bytes < before_bytes:
            self._await_taker(now_bytes)
            return
        logger.info("answer_not_taken", waiting_bytes=now_bytes)
        self.transport.abort()
