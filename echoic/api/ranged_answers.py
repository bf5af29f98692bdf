"""Answers with bytes of which a range may be asked for, sent as they come."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from echoic.api.problems import range_problem
from echoic.api.ranges import ByteRange, asked_range
from echoic.errors import RangeNotSatisfiable


async def ranged(
    request: Request, headers: dict[str, str], *, size: int, stream: Callable[[ByteRange], AsyncIterator[bytes]]
) -> Response:
    """Answer with the bytes asked for; ``headers`` hold the ETag of the whole, of ``size`` bytes."""
    try:
        part = asked_range(request.headers, size=size, etag=headers["ETag"])
    except RangeNotSatisfiable as error:
        return range_problem(request, error, size=size)
    sent = part or ByteRange(start=0, end=size, size=size)
    headers["Content-Length"] = str(sent.end - sent.start)
    if part is not None:
        headers["Content-Range"] = part.content_range
    status = 200 if part is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(await _begun(stream(sent)), status, headers)


async def _begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the same bytes with the first already read, so that a failure of the store can still become a status."""
    first = await anext(stream, b"")

    async def pieces() -> AsyncIterator[bytes]:
        async with aclosing(stream):  # type: ignore[type-var]  # the stores' streams are generators
            yield first
            async for piece in stream:
                yield piece

    return pieces()
