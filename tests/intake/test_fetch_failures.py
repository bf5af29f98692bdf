"""How a URL that cannot be used is named, that nothing of it is left, and what the names keep to themselves."""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trustme

from echoic import errors
from echoic.errors import SourceUnusable, StorageUnavailable
from echoic.intake.audio_url import parse_audio_url
from echoic.intake.body import file_cap
from echoic.intake.egress import Egress, SystemResolver
from echoic.intake.fetch import fetch
from echoic.storage.local import LocalBlobs
from echoic.units import MB

if TYPE_CHECKING:
    from tests.intake.conftest import Fetcher
    from tests.sites import SiteMaker

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nRIFFabc"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", errors.UrlStatusUnusable),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", errors.UrlStatusUnusable),
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 4\r\n\r\nRIFF", errors.UrlStatusUnusable),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", errors.UrlStatusUnusable),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", errors.UrlStatusUnusable),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz", errors.UrlEncoded),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nzzzz", errors.UrlEncoded),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nz",
            errors.UrlEncoded,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 204 No Content\r\n\r\n", errors.UrlStatusUnusable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nless than declared", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nRIFF", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nRIFF\r\n0\r\n\r\n", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nRIFF", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nRIFFx", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nRIFF", errors.UrlAnswerUnusable),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, errors.UrlAnswerUnusable),
        (b"SSH-2.0-OpenSSH_9.6\r\n", errors.UrlAnswerUnusable),
        (b"RIFF" * 100, errors.UrlAnswerUnusable),
        (b"", errors.UrlAnswerUnusable),
    ],
)
async def test_an_answer_that_cannot_be_used_is_named(
    make_site: "SiteMaker", fetcher: "Fetcher", raw: bytes, error: type[SourceUnusable]
) -> None:
    site = await make_site(raw)
    with pytest.raises(SourceUnusable) as caught:
        await fetcher(site.url())
    assert type(caught.value) is error


RANGED = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\nContent-Range: %b\r\n\r\nRIFFabc"


@pytest.mark.parametrize(
    "raw",
    [
        GOOD,
        GOOD.replace(b"200 OK", b"201 Created\r\nLocation: /elsewhere.mp3"),
        GOOD.replace(b"200 OK", b"202 Accepted"),
        GOOD.replace(b"200 OK", b"203 Non-Authoritative Information"),
        GOOD.replace(b"200 OK", b"299 Whatever"),
        RANGED % b"bytes 0-6/7",
        RANGED % b"Bytes  0-6/7 ",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-6/7\r\n\r\nRIFFabc",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nRIFFabc",
    ],
)
async def test_every_success_with_the_whole_file_is_taken(
    make_site: "SiteMaker", fetcher: "Fetcher", raw: bytes
) -> None:
    assert await fetcher((await make_site(raw)).url()) == b"RIFFabc"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (RANGED % b"bytes 0-6/8", "206, a part of the file: bytes 0 to 6 of 8; the whole is needed"),
        (RANGED % b"bytes 1-7/8", "206, a part of the file: bytes 1 to 7 of 8"),
        (RANGED % b"bytes 0-6/*", "206, a part of the file, and does not say how long the whole is"),
        (RANGED % b"seconds 0-6/7", "206, a part of the file, and does not say which"),
        (RANGED.replace(b"Content-Range: %b\r\n", b""), "206, a part of the file, and does not say which"),
        (RANGED.replace(b"Content-Length: 7\r\n", b"") % b"bytes 0-8/9", "said that the file has 9 bytes and sent 7"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "status 204: there is no content"),
        (b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", "status 205: there is no content"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "an empty file"),
        (b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", "status 301 and does not say where to go on"),
        (b"HTTP/1.1 307 Moved\r\nLocation:  \r\nContent-Length: 0\r\n\r\n", "status 307 and does not say where to go"),
        (b"HTTP/1.1 300 Many\r\nContent-Length: 0\r\n\r\n", "status 300: there are several files"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "status 304: nothing has changed"),
        (b"HTTP/1.1 305 Use Proxy\r\nContent-Length: 0\r\n\r\n", "status 305: it leads nowhere"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "status 401: it wants a login"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "status 404: there is no such file"),
        (b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n", r"status 418\."),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status 503: it failed itself"),
    ],
)
async def test_an_answer_that_cannot_be_taken_is_told_with_the_reason(
    make_site: "SiteMaker", fetcher: "Fetcher", raw: bytes, told: str
) -> None:
    with pytest.raises(errors.UrlAnswerUnusable, match=told):
        await fetcher((await make_site(raw)).url())


async def test_a_part_that_is_the_whole_is_capped_by_what_it_declares(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    with pytest.raises(errors.FileTooLarge):
        await fetcher((await make_site(RANGED % b"bytes 0-6/7")).url(), max_bytes=6)
    assert fetcher.memory.content == b""


def serving_as(authority: trustme.CA, name: str = "good.example", **dates: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **dates).configure_cert(context)
    return context


def self_signed() -> ssl.SSLContext:
    """An authority that shows its own certificate as that of the host."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as cert:
        context.load_cert_chain(cert, key)
    return context


def outdated(authority: trustme.CA) -> ssl.SSLContext:
    context = serving_as(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("expired", "has expired"),
        ("not_yet_valid", "is not valid yet"),
        ("other_name", "is for another name"),
        ("untrusted", "no authority that this server trusts"),
        ("self_signed", "is signed by itself"),
    ],
)
async def test_a_failure_of_tls_says_which(
    make_site: "SiteMaker", fetcher: "Fetcher", authority: trustme.CA, kind: str, told: str
) -> None:
    contexts: dict[str, Callable[[], ssl.SSLContext]] = {
        "expired": lambda: serving_as(authority, not_before=PAST - timedelta(days=9), not_after=PAST),
        "not_yet_valid": lambda: serving_as(authority, not_before=FUTURE, not_after=FUTURE + timedelta(days=9)),
        "other_name": lambda: serving_as(authority, "other.example"),
        "untrusted": lambda: serving_as(trustme.CA()),
        "self_signed": self_signed,
    }
    site = await make_site(GOOD, tls=contexts[kind]())
    with pytest.raises(errors.UrlTlsFailed, match=told) as caught:
        await fetcher(site.url())
    assert caught.value.details == {"reason": kind}
    assert site.requests == []


async def test_a_host_that_speaks_only_outdated_versions_of_tls_is_told_so(
    fetcher: "Fetcher", authority: trustme.CA
) -> None:
    context = outdated(authority)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            # Not asyncio, whose server breaks off without saying why.
            with listener.accept()[0] as connection, contextlib.suppress(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        shaking = asyncio.create_task(asyncio.to_thread(shake_hands))
        with pytest.raises(errors.UrlTlsFailed, match="no version and cipher of TLS") as caught:
            await fetcher(f"https://good.example:{listener.getsockname()[1]}/a.mp3")
        await shaking
    assert caught.value.details == {"reason": "no_common_protocol"}


async def test_a_host_that_is_silent_may_use_up_the_time_for_all_of_it(
    make_site: "SiteMaker", fetcher: "Fetcher", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the whole has a limit: nothing that is waited for has a shorter one of its own."""
    limits: list[float | None] = []
    wait = anyio.fail_after

    def noted(delay: float | None, *, shield: bool = False) -> Any:
        limits.append(delay)
        return wait(delay, shield=shield)

    monkeypatch.setattr(anyio, "fail_after", noted)
    assert await fetcher((await make_site(GOOD)).url(), timeout_seconds=20.0) == b"RIFFabc"
    assert limits
    assert set(limits) == {None}


async def test_a_certificate_of_another_name_or_of_nobody_known_is_not_accepted(
    make_site: "SiteMaker", fetcher: "Fetcher"
) -> None:
    for site in (
        await make_site(GOOD, certified_for="other.example"),
        await make_site(GOOD, signed_by=trustme.CA()),
    ):
        with pytest.raises(errors.UrlTlsFailed):
            await fetcher(site.url())
        assert site.requests == []


async def test_a_server_without_tls_is_a_tls_failure(fetcher: "Fetcher") -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(errors.UrlTlsFailed, match="does not speak TLS at this port") as caught:
            await fetcher(f"https://good.example:{port}/a.mp3")
        assert caught.value.details == {"reason": "no_tls"}


async def test_a_port_where_nobody_listens_is_unreachable(fetcher: "Fetcher") -> None:
    with socket.socket() as reserved:  # bound, so that nobody else listens there, but not listening
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(errors.UrlUnreachable) as caught:
            await fetcher(f"https://good.example:{reserved.getsockname()[1]}/a.mp3")
    assert type(caught.value) is errors.UrlUnreachable


async def test_a_name_that_nobody_knows_is_unresolvable(fetcher: "Fetcher") -> None:
    with pytest.raises(errors.UrlUnresolvable):
        await fetcher("https://unknown.example/a.mp3")
    fetcher.resolver.answers["empty.example"] = [[]]
    with pytest.raises(errors.UrlUnresolvable):
        await fetcher("https://empty.example/a.mp3")


async def test_no_message_says_which_address_answered(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    broken = await make_site(b"nothing of use")
    wrong = await make_site(GOOD, certified_for="other.example")
    missing = await make_site(b"HTTP/1.1 404 127.0.0.1 says no\r\nX: 127.0.0.1\r\n\r\n127.0.0.1")
    urls = [broken.url(), wrong.url(), missing.url(), "https://internal.example/a.mp3", "https://good.example:1/a.mp3"]
    messages = []
    for url in urls:
        with pytest.raises(SourceUnusable) as caught:
            await fetcher(url)
        messages.append(caught.value.message)
    assert len(set(messages)) == 5
    for message in messages:
        assert not re.search(r"\d+\.\d+|::|127|internal\.example|refused|ssl", message, re.IGNORECASE), message


async def upload(blobs: LocalBlobs, url: str, egress: Egress) -> str:
    async with blobs.stage() as staged:
        await fetch(parse_audio_url(url), staged, cap=file_cap(MB), timeout_seconds=10, egress=egress)
        return (await staged.finish()).sha256


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_fetch_that_breaks_off_leaves_nothing_in_storage(
    make_site: "SiteMaker", fetcher: "Fetcher", tmp_path: Path
) -> None:
    blobs = LocalBlobs.create(tmp_path)
    egress = Egress(allowed=fetcher.allowed, resolve=fetcher.resolver, ssl_context=fetcher.ssl_context)
    cut = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + bytes(500_000))
    with pytest.raises(errors.UrlAnswerUnusable):
        await upload(blobs, cut.url(), egress)
    assert files_below(tmp_path) == []
    whole = await make_site(GOOD)
    assert len(await upload(blobs, whole.url(), egress)) == 64
    assert len(files_below(tmp_path)) == 1


async def test_a_failure_of_the_storage_is_not_blamed_on_the_url(make_site: "SiteMaker", fetcher: "Fetcher") -> None:
    class Full:
        async def write(self, chunk: bytes) -> None:
            raise StorageUnavailable

    site = await make_site(GOOD)
    egress = Egress(allowed=fetcher.allowed, resolve=fetcher.resolver, ssl_context=fetcher.ssl_context)
    with pytest.raises(StorageUnavailable):
        await fetch(parse_audio_url(site.url()), Full(), cap=file_cap(MB), timeout_seconds=10, egress=egress)


async def test_the_system_is_asked_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%2", 443, 0, 2)),
    ]

    def getaddrinfo(*arguments: object, **_: object) -> list[tuple[Any, ...]]:
        asked.append(arguments)
        return answers

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = await SystemResolver()("name.example", 443)
    assert asked == [("name.example", 443)]
    assert list(found) == [ipaddress.ip_address("192.0.2.7"), ipaddress.ip_address("fe80::1%2")]


SILENT_NAME = """
import asyncio, socket, threading
from echoic.intake.egress import SystemResolver

socket.getaddrinfo = lambda *arguments, **given: threading.Event().wait()
try:
    asyncio.run(asyncio.wait_for(SystemResolver()("silent.example", 443), 0.1))
except TimeoutError:
    print("ended")
"""


def test_a_name_that_is_never_answered_keeps_no_process_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", SILENT_NAME], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "ended\n"


def test_by_default_certificates_are_checked_and_nothing_internal_is_allowed() -> None:
    egress = Egress()
    assert egress.ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert egress.ssl_context.check_hostname
    assert not egress.allowed.networks
    assert not egress.allowed.hosts
