"""The table of refusals of an upload by URL: each code at the API, nothing left, and no word of what is inside."""

import dataclasses
import socket
import ssl
from asyncio import StreamWriter
from typing import Any

import httpx
import pytest
import trustme

from echoic.compose import Components
from echoic.errors import FeedUnusable, PublishedTextUnusable, SourceUnusable
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.intake.receive import Receiver
from echoic.units import MB
from tests.api.uploading import AUDIO, assert_refused, nothing_left, post
from tests.factories import World
from tests.sites import ScriptedResolver, SiteMaker

FETCH_SECONDS = 20.0
SHORT_SECONDS = 0.3


@pytest.fixture
def fetch_seconds(request: pytest.FixtureRequest) -> float:
    return float(getattr(request, "param", FETCH_SECONDS))


@pytest.fixture
def components(components: Components, trusting: ssl.SSLContext, fetch_seconds: float) -> Components:
    """Those of every test here know good.example, where sites are, and internal.example, where nobody may go."""
    egress = Egress(
        allowed=AllowList.parse(["127.0.0.1"]),
        resolve=ScriptedResolver(good_example=[["127.0.0.1"]], internal_example=[["127.0.0.1", "127.0.0.77"]]),
        ssl_context=trusting,
    )
    settings = components.settings.model_copy(update={"fetch_timeout_seconds": fetch_seconds})
    receiver = Receiver(
        settings,
        blobs=components.blobs,
        admissions=components.intake.admissions,
        acceptor=components.intake.acceptor,
        egress=egress,
    )
    return dataclasses.replace(components, intake=dataclasses.replace(components.intake, receiver=receiver))


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers]
    if not any(header.startswith("Content-Length") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location: str) -> bytes:
    return answer("302 Found", f"Location: {location}")


async def silent(writer: StreamWriter) -> None:
    """Half of a file, and then nothing until the other side has had enough."""
    writer.write(answer("200 OK", f"Content-Length: {len(AUDIO)}", body=AUDIO[: len(AUDIO) // 2]))
    await writer.drain()
    await writer.wait_closed()


async def endless(writer: StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(bytes(65_536))
        await writer.drain()


ANSWERS: dict[str, tuple[Any, int, str]] = {
    "an error": (answer("404 Not Found", body=b"127.0.0.1 has no such file"), 422, "url_status_unusable"),
    "a part": (answer("206 Partial Content", body=AUDIO[:1000]), 422, "url_status_unusable"),
    "compression": (answer("200 OK", "Content-Encoding: gzip", body=b"zzzz"), 422, "url_encoded"),
    "less than it declares": (
        answer("200 OK", f"Content-Length: {len(AUDIO) + 1}", body=AUDIO),
        422,
        "url_answer_unusable",
    ),
    "no file": (answer("200 OK"), 422, "url_answer_unusable"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", 422, "url_answer_unusable"),
    "a way without TLS": (redirect("http://good.example/talk.flac"), 422, "url_redirect_invalid"),
    "a way to another protocol": (redirect("file:///etc/passwd"), 422, "url_redirect_invalid"),
    "a way inside": (redirect("https://internal.example/talk.flac"), 422, "url_forbidden"),
    "a way to the cloud's metadata": (redirect("https://169.254.169.254/talk.flac"), 422, "url_forbidden"),
    "a way to nobody": (redirect("https://unknown.example/talk.flac"), 422, "url_unresolvable"),
    "a way to itself": (redirect("/talk.flac"), 422, "url_redirects_too_many"),
    "too much, declared": (answer("200 OK", f"Content-Length: {MB + 1}"), 413, "file_too_large"),
    "too much, undeclared": (endless, 413, "file_too_large"),
    "a text": (answer("200 OK", body=b"Four score and seven years ago" * 100), 415, "not_audio"),
}
WALKED_ELSEWHERE_HERE = {"url_unreachable", "url_tls_failed", "url_timed_out"}


def families(family: type[SourceUnusable]) -> set[str]:
    return {family.code}.union(*(families(error) for error in family.__subclasses__()))


def test_every_code_of_an_unusable_url_is_walked_here() -> None:
    walked = {code for _, status, code in ANSWERS.values() if status == 422} | WALKED_ELSEWHERE_HERE
    of_feeds = families(FeedUnusable) | families(PublishedTextUnusable)
    assert walked == families(SourceUnusable) - {SourceUnusable.code} - of_feeds


async def assert_url_refused(
    client: httpx.AsyncClient, world: World, components: Components, url: str, expected: tuple[int, str]
) -> None:
    tenant = await world.tenant(max_file_size_mb=1)
    refused = await post(client, tenant, json={"audio_url": url})
    assert_refused(refused, *expected)
    assert "127.0.0" not in refused.text
    assert "internal" not in refused.text
    assert await nothing_left(components)


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_site_that_answers_with_what_is_no_use_is_refused_by_its_code_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components, make_site: SiteMaker, what: str
) -> None:
    given, status, code = ANSWERS[what]
    site = await make_site(given)
    await assert_url_refused(client, world, components, site.url("/talk.flac"), (status, code))
    assert site.requests


async def test_nobody_there_and_nobody_one_may_trust_are_refused_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components, make_site: SiteMaker
) -> None:
    with socket.socket() as reserved:  # bound, so that nobody else listens there, but not listening
        reserved.bind(("127.0.0.1", 0))
        nobody = f"https://good.example:{reserved.getsockname()[1]}/talk.flac"
        await assert_url_refused(client, world, components, nobody, (422, "url_unreachable"))
    for site in (
        await make_site(b"", certified_for="other.example"),
        await make_site(b"", signed_by=trustme.CA()),
    ):
        await assert_url_refused(client, world, components, site.url("/talk.flac"), (422, "url_tls_failed"))
        assert not site.requests


@pytest.mark.parametrize("fetch_seconds", [SHORT_SECONDS], indirect=True)
async def test_a_site_that_takes_too_long_is_refused_and_nothing_is_left(
    client: httpx.AsyncClient, world: World, components: Components, make_site: SiteMaker
) -> None:
    site = await make_site(silent)
    await assert_url_refused(client, world, components, site.url("/talk.flac"), (422, "url_timed_out"))


async def test_after_all_that_a_good_site_is_fetched(
    client: httpx.AsyncClient, world: World, components: Components, make_site: SiteMaker
) -> None:
    """What is refused above is refused for its own sake."""
    site = await make_site(answer("200 OK", body=AUDIO))
    accepted = await post(client, await world.tenant(), json={"audio_url": site.url("/talk.flac")})
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["message"] == "Audio fetched from URL and queued for transcription"
