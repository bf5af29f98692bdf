"""Our connections hang on a private method of uvicorn: a release that renames it must fail here, not lose answers."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from echoic.server.early_answers import EarlyAnswerProtocol
from tests.server.connections import Program, serving

HEAD = b"POST /said HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


class Counting(EarlyAnswerProtocol):
    """Counts the requests that uvicorn starts by the method we override."""

    started = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        Counting.started += 1
        super()._start_asgi_task(cycle, app)


async def test_every_request_is_started_by_the_overridden_method() -> None:
    Counting.started = 0
    async with serving(Program(), Counting) as served:
        one = await served.connect()
        # The second is sent ahead, which uvicorn starts in another place than the first.
        await one.send(HEAD + bytes(10) + HEAD + bytes(10))
        for _ in range(2):
            status, _, _ = await one.answer()
            assert status == 200
    assert Counting.started == 2


async def test_an_answer_before_the_body_ends_the_connection_on_our_side_first() -> None:
    async with serving(Program(), EarlyAnswerProtocol) as served:
        one = await served.connect()
        await one.send(HEAD)
        status, head, _ = await one.answer()
        assert status == 200
        assert b"connection: close" in head
        assert await one.ends() == b""
