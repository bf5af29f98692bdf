"""Connections on which an answer may be given before the request's body has been read.

A server that closes a connection while bytes wait unread makes the kernel send a reset, which can destroy the answer on
its way. A server that reads on for the sake of the answer pays for a body that it refused. So, as RFC 9112 §9.6 advises,
our side is closed first. Bytes that still arrive are thrown away, up to limits on bytes and time, before the other side
is closed.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from echoic.logs import get_logger

LINGER_BYTES = 256 * 1024
"""Read after an early answer; what the event loop reads at once comes on top."""
LINGER_SECONDS = 2.0
"""Time for the client to see the answer, or to end the connection itself."""

logger = get_logger(__name__)


class EarlyAnswerProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.read_bytes = 0
        self.discards = False
        """True once nothing more is read as a request: the answer under way is the connection's last."""
        self._discarded_bytes = 0
        self._closing: asyncio.TimerHandle | None = None
        """Set once an answer was given before its request's body had been read."""

    def data_received(self, data: bytes) -> None:
        self.read_bytes += len(data)
        if not self.discards:
            super().data_received(data)
            return
        self._discarded_bytes += len(data)
        if self._discarded_bytes >= LINGER_BYTES:
            self.flow.pause_reading()  # the client's sending comes to a halt, while what we sent still reaches it

    def connection_lost(self, exc: Exception | None) -> None:
        if self._closing is not None:
            self._closing.cancel()
            logger.debug("answered_early", read_bytes=self.read_bytes)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        if self._closing is None:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.transport = _Ending(self.transport, lambda: self._end(cycle))
        super()._start_asgi_task(cycle, _ends_unless_read(app, cycle))

    def _end(self, cycle: RequestResponseCycle) -> None:
        """Close the connection, whose last answer is given."""
        if self._closing is not None or self.transport.is_closing():
            return
        if cycle.more_body:
            self.linger()
        else:
            self.transport.close()

    def linger(self) -> None:
        """Close our side of the connection, and the rest once the client has seen the answer or had time to."""
        self.discards = True
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self._closing = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        self.flow.resume_reading()


class _Ending(asyncio.Transport):
    """The transport that one request gets: it writes, and closes the connection in our way."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._close()


def _ends_unless_read(app: ASGI3Application, cycle: RequestResponseCycle) -> ASGI3Application:
    """The application; its answers say that the connection ends where the request has not been read to its end."""

    async def ending(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def send_ending(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, send_ending)

    return ending
