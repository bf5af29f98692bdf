"""What a connection may cost before a request is known, asked with raw sockets over a server in this process."""

import asyncio
import functools
import json
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from echoic.api.observe import REQUEST_ID_HEADER
from echoic.origins import Origins
from echoic.server import bounded_heads
from echoic.server.bounded_heads import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_SENT_AHEAD,
    MAX_URL_BYTES,
    BoundedHeadProtocol,
)
from tests.server.connections import LARGE_BYTES, Connection, Program, Served, serving
from tests.waiting import until

GET = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SHORT_SECONDS = 0.5
"""A limit in time for tests that wait for its end."""


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
async def served(program: Program) -> AsyncIterator[Served]:
    async with serving(program) as running:
        yield running


@pytest.fixture
async def connection(served: Served) -> Connection:
    return await served.connect()


def refused(answer: tuple[int, bytes, bytes], status: int, code: str, *named: str) -> None:
    """An answer has the body of all failures, and ends the connection."""
    body = json.loads(answer[2])
    assert (answer[0], body["code"]) == (status, code), body
    assert all(one in body["message"] for one in named), body
    assert b"connection: close" in answer[1].lower()
    assert f"{REQUEST_ID_HEADER}: {body['request_id']}".encode() in answer[1]


def heads(filler: int) -> Iterator[tuple[str, bytes]]:
    """Ways to fill a head with so many bytes, from its first byte to the one before its last."""
    yield "one header", b"GET / HTTP/1.1\r\nX: " + b"x" * filler
    yield "one name", b"GET / HTTP/1.1\r\n" + b"x" * filler
    yield "a header of many lines", b"GET / HTTP/1.1\r\nX: a\r\n" + b" b\r\n" * (filler // 4)
    yield "empty lines before it", b"\r\n" * (filler // 2)
    yield "the URL", b"GET /" + b"x" * filler
    yield "the method", b"G" * filler


@pytest.mark.parametrize("way", [name for name, _ in heads(0)])
async def test_a_head_that_does_not_end_is_refused_at_its_limit(
    connection: Connection, served: Served, way: str
) -> None:
    await connection.send(dict(heads(4 * MAX_HEAD_BYTES))[way])
    answer = await connection.answer()
    if way == "the URL":
        refused(answer, 414, "url_too_long", "16,384 bytes")
    elif way in ("the method", "a header of many lines"):
        refused(answer, 400, "request_malformed")
    else:
        refused(answer, 431, "head_too_large", "65,536 bytes")
    assert await connection.ends() == b""
    assert served.program.asked == []


async def test_a_head_just_below_its_limits_is_served_and_one_above_is_not(served: Served) -> None:
    many = [b"X-%d: a\r\n" % number for number in range(MAX_FIELDS - 1)]
    url = b"GET /%b HTTP/1.1\r\nHost: a\r\n"
    whole = url % b"" + b"X: %b\r\n\r\n"
    fits = MAX_HEAD_BYTES - len(whole % b"")
    for data, status in (
        (url % b"" + b"".join(many) + b"\r\n", 200),
        (url % b"" + b"".join(many) + b"Y: a\r\n\r\n", 431),
        (url % (b"x" * (MAX_URL_BYTES - 1)) + b"\r\n", 200),
        (url % (b"x" * MAX_URL_BYTES) + b"\r\n", 414),
        (whole % (b"x" * fits), 200),
        (whole % (b"x" * (fits + 1)), 431),
    ):
        connection = await served.connect()
        await connection.send(data)
        assert (await connection.answer())[0] == status


@pytest.mark.parametrize("tail", [b"0\r\nX: " + b"x" * 8 * MAX_HEAD_BYTES, b"0\r\n" + b"X: a\r\n" * MAX_FIELDS * 2])
async def test_trailers_are_bounded_and_never_become_headers(
    connection: Connection, served: Served, tail: bytes
) -> None:
    await connection.send(CHUNKED + b"3\r\nabc\r\n0\r\nX-Trailer: a\r\n\r\n")
    assert (await connection.answer())[::2] == (200, b"/read abc")
    assert [name for name, _ in served.program.asked[0]["headers"]] == [b"host", b"transfer-encoding"]
    await connection.send(CHUNKED + b"3\r\nabc\r\n" + tail)
    refused(await connection.answer(), 431, "head_too_large")
    assert await connection.ends() == b""
    assert served.program.disconnects == 1


async def test_what_is_no_request_is_answered_in_the_form_of_all_failures(connection: Connection) -> None:
    await connection.send(b"\x16\x03\x01\x02\x00\x01\x00 and so on\r\n\r\n")
    refused(await connection.answer(), 400, "request_malformed")
    assert await connection.ends() == b""


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nHost", b"P", b"POST /read HTTP/1.1\r\nContent-Length: 3\r\n"])
async def test_a_head_that_stays_half_is_given_up(
    program: Program, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_SECONDS", SHORT_SECONDS)
    async with serving(program) as served:
        later, drip, silent = [await served.connect() for _ in range(3)]  # their limits end in this order
        await drip.send(begun)
        refused(await drip.answer(), 408, "head_timed_out")
        assert await drip.ends() == b""
        assert await silent.ends() == b"", "nothing was asked, nothing is answered"
        await later.send(GET % b"")
        assert await later.ends() == b"", "was given up like the silent one"
        again = await served.connect()
        await again.send(GET % b"")
        assert (await again.answer())[0] == 200
        await again.send(begun)
        refused(await again.answer(), 408, "head_timed_out")


async def test_while_an_answer_is_under_way_nobody_is_blamed_for_what_comes_next(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_heads, "HEAD_SECONDS", SHORT_SECONDS)
    async with serving(program) as served:
        connection = await served.connect()
        await connection.send(GET % b"hold" + b"GET / HT")
        waited = asyncio.get_running_loop().time() + 3 * SHORT_SECONDS
        other = await served.connect()
        while asyncio.get_running_loop().time() < waited:
            await other.send(GET % b"")
            await other.answer()
        program.go_on.set()
        assert (await connection.answer())[0] == 200
        await connection.send(b"TP/1.1\r\nHost: a\r\n\r\n")
        assert (await connection.answer())[0] == 200


async def test_requests_sent_ahead_are_answered_up_to_a_number_and_cost_no_more(
    connection: Connection, served: Served
) -> None:
    await connection.send((GET % b"hold") * 20_000)
    served.program.go_on.set()
    answers = (await connection.ends()).count(b"HTTP/1.1 200")
    assert MAX_SENT_AHEAD <= answers <= MAX_SENT_AHEAD + 2
    assert len(served.program.asked) == answers


async def test_a_wrong_request_behind_a_good_one_does_not_spoil_its_answer(
    connection: Connection, served: Served
) -> None:
    await connection.send(GET % b"hold" + b"nonsense\r\n\r\n")
    served.program.go_on.set()
    assert (await connection.answer())[::2] == (200, b"/hold ")
    assert await connection.ends() == b""


async def test_where_connections_run_out_those_that_wait_longest_make_room(program: Program) -> None:
    async with serving(program, limit_concurrency=20) as served:
        halves = [await served.connect() for _ in range(100)]
        for half in halves:
            await half.send(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(50):
            reader = await served.connect()
            await reader.send(GET % b"")
            assert (await reader.answer())[0] == 200
            reader.writer.close()
        assert len(served.server.server_state.connections) <= 20


async def test_where_all_are_at_work_a_further_request_is_told_to_come_again(program: Program) -> None:
    async with serving(program, limit_concurrency=5) as served:
        busy = [await served.connect() for _ in range(4)]
        for one in busy:
            await one.send(GET % b"hold")

        async def asked() -> bool:
            return len(program.asked) == len(busy)

        await until(asked, "all are at work")
        late = await served.connect()
        await late.send(GET % b"")
        answer = await late.answer()
        refused(answer, 503, "server_busy")
        assert b"retry-after: " in answer[1]
        program.go_on.set()
        for one in busy:
            assert (await one.answer())[0] == 200


APP = b"https://app.example.org"


@pytest.mark.parametrize(("allowed", "named"), [((APP.decode(),), APP), (("*",), b"*"), (("https://b.example",), None)])
async def test_pages_of_other_origins_read_also_what_the_connection_itself_answers(
    program: Program, allowed: tuple[str, ...], named: bytes | None
) -> None:
    """A head that cannot be read, and a request for which there is no room."""
    made_by = functools.partial(BoundedHeadProtocol, origins=Origins.parse(allowed))
    of_page = b"GET /%b HTTP/1.1\r\nHost: a\r\nOrigin: " + APP + b"\r\n"
    async with serving(program, made_by, limit_concurrency=2) as served:
        long = await served.connect()
        await long.send(of_page % b"" + b"X: " + b"x" * MAX_HEAD_BYTES)
        answers = [await long.answer()]
        await long.ends()
        await (busy := await served.connect()).send(GET % b"hold")

        async def asked() -> bool:
            return len(program.asked) == 1

        await until(asked, "one is at work")
        late = await served.connect()
        await late.send(of_page % b"api/items" + b"\r\n")
        answers.append(await late.answer())
        program.go_on.set()
        assert (await busy.answer())[0] == 200
    assert [status for status, _, _ in answers] == [431, 503]
    for _, head, _ in answers:
        told = re.findall(rb"access-control-allow-origin: (\S+)\r\n", head)
        assert told == ([] if named is None else [named]), head
        assert b"credentials" not in head


async def test_who_takes_nothing_of_an_answer_is_not_waited_for(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_heads, "TAKE_SECONDS", SHORT_SECONDS)
    async with serving(program) as served:
        taker, idler = await served.connect(), await served.connect()
        idler.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        for one in (taker, idler):
            await one.send(GET % b"large")
        assert len((await taker.answer())[2]) == LARGE_BYTES
        await served.until_left(1)
