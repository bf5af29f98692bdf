"""Fetching from real TLS servers on the loopback interface, with a test authority and an injected resolver."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from echoic import errors
from echoic.errors import FileTooLarge
from echoic.intake import egress as egress_module
from echoic.intake.fetch import MAX_REDIRECTS
from echoic.intake.networks import Address, AllowList
from echoic.units import MB

if TYPE_CHECKING:
    from tests.intake.conftest import Fetcher
    from tests.sites import SiteMaker

CONTENT = bytes(range(256)) * 1000
HAS_IPV6 = Path("/proc/net/if_inet6").exists()
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT) + CONTENT


def redirecting(location: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


# What works.


async def test_a_file_is_fetched_under_the_hosts_own_name(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    site = await make_site(GOOD)
    assert await fetcher(site.url("/a/talk.mp3?sig=1%2F2")) == CONTENT
    [head] = site.requests
    lines = head.split("\r\n")
    assert lines[0] == "GET /a/talk.mp3?sig=1%2F2 HTTP/1.1"
    assert f"Host: good.example:{site.port}" in lines
    assert "Accept-Encoding: identity" in lines
    assert site.names == ["good.example"]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nRIFF\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nRIFFabc",
        b"HTTP/1.0 200 OK\r\n\r\nRIFFabc",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 203 OK\r\nContent-Length: 7\r\n\r\nRIFFabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 7\r\n\r\nRIFFabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nRIFFabc and more than was declared",
    ],
)
async def test_every_common_framing_is_understood(make_site: "SiteMaker", fetcher: "Fetcher", raw: bytes) -> None:
    assert await fetcher((await make_site(raw)).url()) == b"RIFFabc"


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
async def test_a_redirect_is_followed_and_its_host_asked_for_by_name(
    make_site: "SiteMaker", fetcher: "Fetcher", status: str
) -> None:
    target = await make_site(GOOD, certified_for="other.example")
    fetcher.resolver.answers["other.example"] = [["127.0.0.1"]]
    site = await make_site(redirecting(target.url(host="other.example"), status))
    assert await fetcher(site.url()) == CONTENT
    assert fetcher.resolver.asked == ["good.example", "other.example"]
    assert target.names == ["other.example"]


@pytest.mark.parametrize("location", ["/gespräch 1.mp3", "/gespr%C3%A4ch%201.mp3"])
async def test_a_redirect_to_a_name_that_is_not_ascii_leads_there(
    make_site: "SiteMaker", fetcher: "Fetcher", location: str
) -> None:
    answers = [redirecting(location), GOOD]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))

    site = await make_site(answer)
    assert await fetcher(site.url()) == CONTENT
    assert site.requests[1].startswith("GET /gespr%C3%A4ch%201.mp3 HTTP/1.1")


async def test_five_redirects_are_followed_and_no_sixth(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    answers = [redirecting("/again")] * MAX_REDIRECTS + [GOOD]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))

    site = await make_site(answer)
    assert await fetcher(site.url()) == CONTENT
    loop = await make_site(redirecting("/again"))
    with pytest.raises(errors.UrlRedirectsTooMany):
        await fetcher(loop.url())
    assert len(loop.requests) == MAX_REDIRECTS + 1


async def test_the_next_address_is_tried_where_one_does_not_answer(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    site = await make_site(GOOD)
    fetcher.allowed = AllowList.parse(["127.0.0.0/8"])
    fetcher.resolver.answers["good.example"] = [["127.0.0.9", "127.0.0.1"]]
    assert await fetcher(site.url()) == CONTENT


async def test_an_address_in_the_url_needs_a_certificate_of_its_own(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    site = await make_site(GOOD, certified_for="127.0.0.1")
    assert await fetcher(site.url(host="127.0.0.1")) == CONTENT
    named = await make_site(GOOD)
    with pytest.raises(errors.UrlTlsFailed):
        await fetcher(named.url(host="127.0.0.1"))


async def test_an_ipv6_address_in_the_url_is_reached(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    if not HAS_IPV6:
        pytest.skip("this machine has no IPv6")
    site = await make_site(GOOD, certified_for="::1", address="::1")
    fetcher.allowed = AllowList.parse(["::1"])
    assert await fetcher(site.url(host="[::1]")) == CONTENT
    assert f"Host: [::1]:{site.port}" in site.requests[0]


async def test_proxies_of_the_environment_are_ignored(
    make_site: "SiteMaker", fetcher: "Fetcher", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await fetcher((await make_site(GOOD)).url()) == CONTENT


# What is forbidden.


async def test_one_forbidden_address_among_several_is_enough(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    site = await make_site(GOOD)
    fetcher.resolver.answers["good.example"] = [["127.0.0.1", "10.0.0.1"]]
    with pytest.raises(errors.UrlForbidden):
        await fetcher(site.url())
    assert site.connections == 0


async def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    site = await make_site(GOOD)
    fetcher.resolver.answers["good.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert await fetcher(site.url()) == CONTENT
    assert fetcher.resolver.asked == ["good.example"], "what was checked is what was connected to"
    with pytest.raises(errors.UrlForbidden):
        await fetcher(site.url())
    assert site.connections == 1


async def test_a_redirect_to_its_own_name_is_checked_anew(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    site = await make_site(redirecting("/again"))
    fetcher.resolver.answers["good.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    with pytest.raises(errors.UrlForbidden):
        await fetcher(site.url())
    assert len(site.requests) == 1


async def test_a_redirect_to_an_internal_host_or_address_is_not_followed(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    secret = await make_site(GOOD, address="127.0.0.2", certified_for="internal.example")
    for host in ("internal.example", "127.0.0.2", "[::ffff:127.0.0.2]", "[::1]"):
        site = await make_site(redirecting(secret.url(host=host)))
        with pytest.raises(errors.UrlForbidden):
            await fetcher(site.url())
    assert secret.connections == 0


@pytest.mark.parametrize("location", ["http://good.example/", "ftp://good.example/", "https://me@good.example/"])
async def test_a_redirect_to_anything_but_https_is_not_followed(
    make_site: "SiteMaker", fetcher: "Fetcher", location: str
) -> None:
    site = await make_site(redirecting(location))
    with pytest.raises(errors.UrlRedirectInvalid):
        await fetcher(site.url())


# What is too large or too slow.


async def test_a_declared_size_over_the_cap_is_refused_before_the_body(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    with pytest.raises(FileTooLarge, match="1,000 bytes"):
        await fetcher((await make_site(answer)).url(), max_bytes=1000)
    assert fetcher.memory.content == b""


async def test_an_endless_body_is_cut_at_the_cap(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()

    with pytest.raises(FileTooLarge):
        await fetcher((await make_site(answer)).url(), max_bytes=MB)
    assert len(fetcher.memory.content) <= MB


async def test_a_body_that_drips_is_given_up_after_the_time_for_all_of_it(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with asyncio.timeout(10):
        with pytest.raises(errors.UrlTimedOut, match=r"0\.3 seconds"):
            await fetcher((await make_site(answer)).url(), timeout_seconds=0.3)
    assert fetcher.memory.content


async def test_a_head_that_never_comes_is_given_up(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        with pytest.raises(errors.UrlTimedOut):
            await fetcher((await make_site(answer)).url(), timeout_seconds=0.3)


async def test_silence_in_the_middle_is_given_up_after_the_time_for_all_of_it(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx")
        await writer.drain()
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        with pytest.raises(errors.UrlTimedOut, match=r"within 0\.3 seconds"):
            await fetcher((await make_site(answer)).url(), timeout_seconds=0.3)


async def test_a_name_that_does_not_resolve_in_time_is_given_up(
    fetcher: "Fetcher", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(egress_module, "RESOLVE_SECONDS", 0.05)
    monkeypatch.setattr(fetcher, "resolver", never)
    async with asyncio.timeout(10):
        with pytest.raises(errors.UrlUnresolvable):
            await fetcher("https://good.example/a.mp3")
