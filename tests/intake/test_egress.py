"""Fetching through a real CONNECT proxy on the loopback interface: who resolves, who checks, and what it may see."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import trustme

from echoic import errors
from echoic.errors import FetchProxyUnavailable, SettingInvalid
from echoic.intake import egress as egress_module
from echoic.intake.egress import EgressProxy
from echoic.intake.networks import AllowList

if TYPE_CHECKING:
    from tests.intake.conftest import Fetcher
    from tests.sites import Site, SiteMaker

CONTENT = b"RIFF" + bytes(range(256)) * 1000
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT) + CONTENT


@dataclass
class Proxy:
    """A CONNECT proxy that knows where names lead, and what went through it."""

    scheme: str = "http"
    port: int = 0
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    targets: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    seen: bytearray = field(default_factory=bytearray)
    """All that went from the client to the hosts."""

    def setting(self, *, resolves_names: bool, user: str = "") -> EgressProxy:
        return EgressProxy.parse(f"{self.scheme}://{user}127.0.0.1:{self.port}", resolves_names=resolves_names)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        method, target, _ = head.split(" ", 2)
        assert method == "CONNECT"
        self.targets.append(target)
        writer.write(self.answer)
        if b" 200 " not in self.answer:
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        await asyncio.gather(self._carry(reader, back, self.seen), self._carry(there, writer, bytearray()))

    @staticmethod
    async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seen: bytearray) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await source.read(65_536):
                seen += chunk
                sink.write(chunk)
                await sink.drain()
        sink.close()


ProxyMaker = Callable[..., Awaitable[Proxy]]


@pytest.fixture
async def make_proxy() -> AsyncIterator[ProxyMaker]:
    async with AsyncExitStack() as stack:

        async def make(answer: bytes = Proxy.answer, *, signed_by: trustme.CA | None = None) -> Proxy:
            proxy = Proxy(answer=answer)
            context = None
            if signed_by is not None:
                proxy.scheme = "https"
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                signed_by.issue_cert("127.0.0.1").configure_cert(context)
            server = await stack.enter_async_context(
                await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=context)
            )
            proxy.port = server.sockets[0].getsockname()[1]
            return proxy

        yield make


@pytest.fixture
async def proxy(make_proxy: ProxyMaker) -> Proxy:
    return await make_proxy()


@pytest.fixture
async def site(make_site: "SiteMaker") -> "Site":
    return await make_site(GOOD)


# Who resolves, and what the proxy is told.


async def test_the_proxy_is_told_the_checked_address_and_the_host_its_own_name(
    proxy: Proxy, site: "Site", fetcher: "Fetcher"
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=False)
    assert await fetcher(site.url("/talk.mp3?signature=secret")) == CONTENT
    assert proxy.targets == [f"127.0.0.1:{site.port}"]
    assert site.names == ["good.example"]
    assert f"Host: good.example:{site.port}" in site.requests[0].split("\r\n")
    assert b"talk.mp3" not in proxy.seen, "TLS goes from end to end"


async def test_a_proxy_that_resolves_is_told_the_name_and_nothing_is_resolved_here(
    proxy: Proxy, site: "Site", fetcher: "Fetcher"
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=True)
    fetcher.allowed = AllowList()
    assert await fetcher(site.url()) == CONTENT
    assert proxy.targets == [f"good.example:{site.port}"]
    assert fetcher.resolver.asked == []
    assert site.names == ["good.example"]


async def test_what_is_resolved_here_is_checked_before_the_proxy_hears_of_it(
    proxy: Proxy, site: "Site", fetcher: "Fetcher"
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=False)
    with pytest.raises(errors.UrlForbidden):
        await fetcher(site.url(host="internal.example"))
    assert proxy.targets == []


@pytest.mark.parametrize("host", ["10.0.0.1", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"])
async def test_an_internal_address_in_the_url_is_forbidden_whoever_resolves(
    proxy: Proxy, fetcher: "Fetcher", host: str
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=True)
    with pytest.raises(errors.UrlForbidden):
        await fetcher(f"https://{host}/talk.mp3")
    assert proxy.targets == []


async def test_an_ipv6_address_is_written_to_the_proxy_in_brackets(
    proxy: Proxy, site: "Site", fetcher: "Fetcher"
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=False)
    fetcher.resolver.answers["good.example"] = [["2001:4860::1"]]
    assert await fetcher(site.url()) == CONTENT
    assert proxy.targets == [f"[2001:4860::1]:{site.port}"]


async def test_every_hop_of_a_redirect_goes_through_the_proxy(
    proxy: Proxy, site: "Site", make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    first = await make_site(
        f"HTTP/1.1 302 Found\r\nLocation: {site.url()}\r\nContent-Length: 0\r\n\r\n".encode(),
        certified_for="first.example",
    )
    fetcher.proxy = proxy.setting(resolves_names=True)
    assert await fetcher(first.url(host="first.example")) == CONTENT
    assert proxy.targets == [f"first.example:{first.port}", f"good.example:{site.port}"]


async def test_the_proxy_gets_its_credentials_and_the_host_does_not(
    proxy: Proxy, site: "Site", fetcher: "Fetcher"
) -> None:
    fetcher.proxy = proxy.setting(resolves_names=False, user="echoic:p%40ss@")
    assert await fetcher(site.url()) == CONTENT
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'echoic:p@ss').decode()}" in proxy.heads[0].split("\r\n")
    assert "authorization" not in site.requests[0].lower()


async def test_a_proxy_may_be_reached_by_tls_itself(
    make_proxy: ProxyMaker, authority: trustme.CA, trusting: ssl.SSLContext, site: "Site", fetcher: "Fetcher"
) -> None:
    proxy = await make_proxy(signed_by=authority)
    fetcher.proxy = EgressProxy(scheme="https", host="127.0.0.1", port=proxy.port, ssl_context=trusting)
    assert await fetcher(site.url()) == CONTENT
    fetcher.proxy = proxy.setting(resolves_names=False)
    with pytest.raises(FetchProxyUnavailable):  # whose certificate nobody vouches for
        await fetcher(site.url())


# What goes wrong.


async def test_the_hosts_certificate_counts_not_the_proxys_word(
    proxy: Proxy, make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    other = await make_site(GOOD, certified_for="other.example")
    fetcher.proxy = proxy.setting(resolves_names=True)
    with pytest.raises(errors.UrlTlsFailed):
        await fetcher(other.url())
    assert other.requests == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 407 Request rejected by proxy\r\nContent-Length: 0\r\n\r\n", errors.UrlForbidden),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", errors.UrlForbidden),
        (b"HTTP/1.1 502 Bad gateway\r\nContent-Length: 9\r\n\r\n127.0.0.1", errors.UrlUnreachable),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", errors.UrlUnreachable),
        (b"SSH-2.0-OpenSSH_9.6\r\n", FetchProxyUnavailable),
        (b"", FetchProxyUnavailable),
    ],
)
async def test_a_proxy_that_does_not_connect_is_told_from_one_that_is_away(
    make_proxy: ProxyMaker, site: "Site", fetcher: "Fetcher", answer: bytes, error: type[errors.EchoicError]
) -> None:
    proxy = await make_proxy(answer)
    fetcher.proxy = proxy.setting(resolves_names=True)
    with pytest.raises(errors.EchoicError) as caught:
        await fetcher(site.url())
    assert type(caught.value) is error
    assert "127.0.0.1" not in caught.value.message
    assert site.connections == 0, "there is no way around the proxy"


async def test_where_nobody_listens_there_is_no_proxy_and_no_way_around_it(site: "Site", fetcher: "Fetcher") -> None:
    fetcher.proxy = EgressProxy(scheme="http", host="127.0.0.1", port=1)
    with pytest.raises(FetchProxyUnavailable):
        await fetcher(site.url())
    assert site.connections == 0


async def test_a_proxy_that_does_not_say_whether_it_connects_costs_no_more_than_the_time_to_connect(
    site: "Site", fetcher: "Fetcher", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress_module, "CONNECT_SECONDS", 0.2)
    heard = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(keep_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        fetcher.proxy = EgressProxy(scheme="http", host="127.0.0.1", port=port)
        with pytest.raises(errors.UrlTimedOut):
            await fetcher(site.url())
    assert heard.is_set()


# The setting.


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy.example:4750", "http://proxy.example:4750"),
        ("http://Proxy.Example", "http://proxy.example:80"),
        ("https://user:pa:ss@proxy_1/", "https://proxy_1:443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_proxys_url_is_shown_without_its_credentials(url: str, shown: str) -> None:
    proxy = EgressProxy.parse(url, resolves_names=False)
    assert str(proxy) == shown
    assert "pa:ss" not in repr(proxy)


@pytest.mark.parametrize(
    "url",
    [
        "proxy:4750",
        "socks5://proxy:1080",
        "http://",
        "http://u:secret@proxy:99999",
        "http://u:secret@proxy/path",
        "http://u:secret@pro xy:1",
        "http://u:secret@[::1:80",
    ],
)
def test_what_is_no_proxys_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        EgressProxy.parse(url, resolves_names=False)
    assert refused.value.message.startswith("ECHOIC_FETCH_PROXY_URL ")
    assert "secret" not in refused.value.message
