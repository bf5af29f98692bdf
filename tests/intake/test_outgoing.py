"""Requests to the host that the operator named, and to those that it names: which are sent, and which are not."""

import asyncio
import ssl

import httpx2
import pytest

from echoic.intake import outgoing
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.intake.outgoing import OutgoingTransport
from tests.sites import ScriptedResolver, SiteMaker

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def client(trusting: ssl.SSLContext, named: str, *allowed: str, **names: list[list[str]]) -> httpx2.AsyncClient:
    egress = Egress(ssl_context=trusting, resolve=ScriptedResolver(**names), allowed=AllowList.parse(list(allowed)))
    return httpx2.AsyncClient(transport=OutgoingTransport(egress, named=named))


async def test_the_named_host_is_asked_where_it_is_and_others_only_at_allowed_addresses(
    make_site: SiteMaker, trusting: ssl.SSLContext
) -> None:
    named = await make_site(OK, certified_for="localhost")
    other = await make_site(OK)
    there = {"good_example": [["127.0.0.1"]]}
    async with client(trusting, named.url("", host="localhost"), **there) as asking:
        answer = await asking.post(named.url("/token", host="localhost"), data={"code": "1"})
        assert (answer.status_code, answer.text) == (200, "ok")
        assert named.requests[0].startswith("POST /token HTTP/1.1")
        assert "identity" in named.requests[0]
        for forbidden in (
            other.url("/keys"),
            f"http://good.example:{other.port}/keys",
            f"https://127.0.0.1:{other.port}/",
        ):
            with pytest.raises(httpx2.TransportError):
                await asking.get(forbidden)
        assert other.connections == 0
    async with client(trusting, "https://named.example", "good.example", **there) as asking:
        assert (await asking.get(other.url("/keys"))).text == "ok"


async def test_a_redirect_is_not_followed_and_an_answer_without_end_is_given_up(
    make_site: SiteMaker, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(2):
            writer.write(b"x" * outgoing.MAX_ANSWER_BYTES)
            await writer.drain()

    moved, long = await make_site(MOVED, certified_for="localhost"), await make_site(endless, certified_for="localhost")
    async with client(trusting, moved.url("", host="localhost")) as asking:
        assert (await asking.get(moved.url("/", host="localhost"))).status_code == 302
    async with client(trusting, long.url("", host="localhost")) as asking:
        with pytest.raises(httpx2.ReadError, match="more than a megabyte"):
            await asking.get(long.url("/", host="localhost"))


async def test_a_host_that_says_nothing_is_given_up_in_time(
    make_site: SiteMaker, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def silent(_: asyncio.StreamWriter) -> None:
        await released.wait()

    monkeypatch.setattr(outgoing, "WHOLE_SECONDS", 0.5)
    site = await make_site(silent, certified_for="localhost")
    async with client(trusting, site.url("", host="localhost")) as asking:
        with pytest.raises(httpx2.ReadTimeout):
            await asking.get(site.url("/", host="localhost"))
    released.set()
