"""Answers to what never becomes a request of the application: the same body as every failure, on the connection itself."""

import uuid
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from echoic.api.cross_origin import Field, fields_of
from echoic.api.observe import REQUEST_ID_HEADER
from echoic.api.problems import RETRY_AFTER_SECONDS, problem, public_code, status_of, title_of
from echoic.errors import EchoicError, Unavailable
from echoic.origins import Origins


def as_bytes(error: EchoicError, more: Iterable[Field] = ()) -> bytes:
    """A whole answer of HTTP/1.1 that says why, with these headers as well; the connection ends with it."""
    answer = _answer(error)
    head = f"HTTP/1.1 {answer.status_code} {title_of(answer.status_code)}\r\n".encode("ascii")
    fields = b"".join(b"%b: %b\r\n" % field for field in (*answer.raw_headers, *more))
    return b"".join((head, fields, b"\r\n", answer.body))


def refusing(error: EchoicError, origins: Origins) -> ASGIApp:
    """An application that answers every request with why it is refused; pages of these origins may read it."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        answer = _answer(error)
        answer.raw_headers.extend(fields_of(scope, origins))
        await answer(scope, receive, send)

    return refuse


def _answer(error: EchoicError) -> JSONResponse:
    request_id = uuid.uuid4().hex
    answer = problem(
        Request({"type": "http", "state": {"request_id": request_id}}),
        status=status_of(error),
        code=public_code(error),
        message=error.message,
        retry_after=RETRY_AFTER_SECONDS if isinstance(error, Unavailable) else None,
        headers={"Connection": "close"},
    )
    answer.headers[REQUEST_ID_HEADER] = request_id
    return answer
