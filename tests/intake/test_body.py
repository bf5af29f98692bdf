import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from echoic.errors import BodyTimedOut, ClientDisconnected, FileTooLarge, RequestTooLarge
from echoic.intake.body import MAX_JSON_BYTES, Body, Cap, file_cap, json_cap
from echoic.units import MB

Message = dict[str, Any]
DISCONNECT: Message = {"type": "http.disconnect"}


class Connection:
    """Delivers these messages, then nothing more."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = list(messages)
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


def sent(*chunks: bytes, complete: bool = True) -> list[Message]:
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    return [*messages, {"type": "http.request"}] if complete else messages


def body_of(connection: Connection, *, max_bytes: int = 100, idle_timeout_seconds: float = 5.0) -> Body:
    return Body(connection, cap=file_cap(max_bytes), idle_timeout_seconds=idle_timeout_seconds)


async def test_a_body_comes_in_the_pieces_in_which_it_was_sent_and_is_counted() -> None:
    body = body_of(Connection(sent(b"one", b"", b"two")))
    assert [chunk async for chunk in body] == [b"one", b"two"]
    assert body.received_bytes == 6


async def test_a_body_may_come_in_its_only_message() -> None:
    assert await body_of(Connection([{"type": "http.request", "body": b"all"}])).read() == b"all"
    assert await body_of(Connection([{"type": "http.request"}])).read() == b""


async def test_a_body_of_exactly_the_cap_passes_and_one_byte_more_does_not() -> None:
    assert len(await body_of(Connection(sent(bytes(60), bytes(40)))).read()) == 100
    with pytest.raises(FileTooLarge):
        await body_of(Connection(sent(bytes(60), bytes(41)))).read()


async def test_nothing_is_read_past_the_cap() -> None:
    connection = Connection(sent(bytes(101), bytes(1000)))
    with pytest.raises(FileTooLarge):
        await body_of(connection).read()
    assert connection.asked == 1


async def test_a_client_that_goes_away_is_named() -> None:
    body = body_of(Connection([*sent(b"half", complete=False), DISCONNECT]))
    pieces = aiter(body)
    assert await anext(pieces) == b"half"
    with pytest.raises(ClientDisconnected):
        await anext(pieces)


async def test_a_silent_client_is_given_up() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(BodyTimedOut):
            await body_of(Connection(sent(b"half", complete=False)), idle_timeout_seconds=0.05).read()


async def test_messages_without_a_byte_do_not_keep_a_connection_alive() -> None:
    async def receive() -> Message:
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"", "more_body": True}

    async with asyncio.timeout(10):
        with pytest.raises(BodyTimedOut):
            await Body(receive, cap=file_cap(100), idle_timeout_seconds=0.05).read()


async def test_a_client_that_sends_a_little_all_the_time_may_take_longer_than_the_limit_on_silence() -> None:
    messages = sent(*[b"drop"] * 8)

    async def receive() -> Message:
        await asyncio.sleep(0.3)
        return messages.pop(0)

    body = Body(receive, cap=file_cap(100), idle_timeout_seconds=2.0)
    assert await body.read() == b"drop" * 8


async def test_who_was_given_up_can_still_be_cleaned_up_after() -> None:
    with pytest.raises(BodyTimedOut):
        await body_of(Connection(sent(b"half", complete=False)), idle_timeout_seconds=0.05).read()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(10):
        await asyncio.sleep(0)


async def test_a_cancel_from_outside_is_not_taken_for_silence() -> None:
    connection = Connection([])
    reading = asyncio.create_task(body_of(connection).read())
    await asyncio.sleep(0)
    assert connection.asked == 1
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_the_time_that_storing_takes_is_not_the_clients_silence() -> None:
    body = body_of(Connection(sent(b"one", b"two")), idle_timeout_seconds=0.05)
    received = []
    async for chunk in body:
        received.append(chunk)
        await asyncio.sleep(0.1)  # a slow disk
    assert received == [b"one", b"two"]


@pytest.mark.parametrize(("max_bytes", "figure"), [(200 * MB, "200 MB"), (1_000_000, "1,000,000 bytes"), (MB, "1 MB")])
def test_the_error_names_the_cap(max_bytes: int, figure: str) -> None:
    with pytest.raises(FileTooLarge, match=figure):
        file_cap(max_bytes).check(max_bytes + 1)


def test_a_declared_size_is_checked_before_anything_is_read_and_an_undeclared_one_passes() -> None:
    cap = file_cap(100)
    cap.check(None)
    cap.check(0)
    cap.check(100)
    widened = cap.widened(10)
    widened.check(110)
    with pytest.raises(FileTooLarge, match="100 bytes"):
        widened.check(111)


def test_a_json_body_has_a_cap_of_its_own() -> None:
    cap: Cap = json_cap()
    cap.check(MAX_JSON_BYTES)
    with pytest.raises(RequestTooLarge):
        cap.check(MAX_JSON_BYTES + 1)
