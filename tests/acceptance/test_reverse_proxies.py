"""Echoic behind the reverse proxies whose files deploy/proxies has: nginx, Caddy and HAProxy, each of them started."""

import json
import re
import select
import shutil
import ssl
import subprocess
import time
import uuid
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tusclient.client import TusClient

from echoic.api.events import HEARTBEAT_SECONDS
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from echoic.units import MB
from tests.acceptance.breaking_proxy import BreakingProxy
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import upload
from tests.acceptance.reverse_proxies import (
    FILES,
    KINDS,
    KINDS_BY_NAME,
    PATIENCE_SECONDS,
    SHORT_SECONDS,
    Proxy,
    running,
)
from tests.api.tus import BYTES, VERSION, creation
from tests.folders import copied, passable_folder
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

LARGE_BYTES = 200 * MB
LITTLE_BYTES = 100 * MB
"""No proxy that passes a recording on needs so much; one that collects it needs twice that."""
EXAMPLE = RECORDING.with_name("jfk.flac")
HEAD_BYTES = 44
PIECE = bytes(65_536)
CUT_AFTER_BYTES = 6 * MB
GUESSES_AT_ONCE = 30
ATTEMPTS = 3
WAITS = re.compile(r"(?:_timeout|timeout (?:client|server)) +(\d+)s")


@pytest.fixture(scope="module")
def server(first_start: Path) -> Iterator[PrivateServer]:
    with copied(first_start) as folder, PrivateServer(folder, options=WITHOUT_WORKER, **FAKES) as found:
        yield found


@pytest.fixture(scope="module", params=KINDS_BY_NAME)
def proxy(server: PrivateServer, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with passable_folder() as folder, running(KINDS_BY_NAME[request.param], server, folder) as found:
        yield found


@pytest.fixture(scope="module")
def large() -> Iterator[Path]:
    with passable_folder() as folder:
        yield silence(folder / "large.wav", LARGE_BYTES)


def silence(path: Path, data_bytes: int) -> Path:
    """Make a recording in which nothing is heard, which takes no room on the disk."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.setnframes(data_bytes // 4)
        file.writeframesraw(b"")
    with path.open("r+b") as raw:
        raw.truncate(HEAD_BYTES + data_bytes)
    return path


@dataclass(frozen=True, kw_only=True)
class CurlAnswer:
    """What somebody sees who uses curl."""

    exit_code: int
    status: int
    body: str
    trace: str


def curl(proxy: Proxy, *options: str, path: str = "/api/datasets/1/items", key: str | None = None) -> CurlAnswer:
    ended = subprocess.run(
        [
            shutil.which("curl") or "curl", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--max-time", "120",
            "--cacert", str(proxy.authorities), "--write-out", "\n%{http_code}",
            "--header", f"Authorization: {key or proxy.authorization}", *options, f"{proxy.base}{path}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    body, _, status = ended.stdout.rpartition("\n")
    return CurlAnswer(exit_code=ended.returncode, status=int(status), body=body, trace=ended.stderr[-4000:])


def test_200_mb_go_through_as_they_come_and_parts_of_them_come_back(proxy: Proxy, large: Path) -> None:
    answer = curl(proxy, "--http2", "--form", f"audio=@{large}")
    assert (answer.exit_code, answer.status) == (0, 200), answer.trace
    assert "HTTP/2 200" in answer.trace
    path = f"/api/items/{json.loads(answer.body)['item_id']}"
    part = proxy.client.get(f"{path}/audio", headers={"Range": "bytes=150000000-150000099"})
    assert (part.status_code, part.content) == (206, bytes(100))
    assert part.headers["Content-Range"] == f"bytes 150000000-150000099/{HEAD_BYTES + LARGE_BYTES}"
    assert proxy.client.delete(path).is_success
    assert proxy.peak_bytes() < LITTLE_BYTES
    assert proxy.files_bytes() < MB


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_client_sees_that_its_200_mb_are_refused(proxy: Proxy, large: Path, version: str) -> None:
    form = (version, "--form", f"audio=@{large}")
    refused_by_key = partial(curl, proxy, *form, key="Bearer ek_wrong")
    refused_by_path = partial(curl, proxy, *form, "--header", "Expect:", path="/api/datasets/999/items")
    for ask, status, code in ((refused_by_key, 401, "unauthorized"), (refused_by_path, 404, "dataset_not_found")):
        # An answer may be lost where a proxy closes while its client still sends (RFC 9112, 9.6): on a busy machine one was.
        answers = [ask()]
        while answers[-1].status != status and len(answers) < ATTEMPTS:
            answers.append(ask())
        wrong = answers[-1]
        assert wrong.status == status, [answer.trace for answer in answers]
        # Over HTTP/2 curl 7 takes the end of a stream whose body it did not send for an error.
        if version == "--http1.1":
            assert json.loads(wrong.body)["code"] == code, wrong.trace


def test_what_expects_to_be_asked_for_its_body_is_asked(proxy: Proxy) -> None:
    answer = curl(proxy, "--http1.1", "--header", "Expect: 100-continue", "--form", f"audio=@{EXAMPLE}")
    assert (answer.exit_code, answer.status) == (0, 200), answer.trace
    assert "HTTP/1.1 100 Continue" in answer.trace


def test_the_server_sees_a_body_before_it_is_complete(proxy: Proxy) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="talk.exe"\r\n\r\n'
    head = (
        f"POST /api/datasets/1/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: {proxy.authorization}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {LARGE_BYTES}\r\n\r\n"
    )
    sent_bytes, received = 0, b""
    with proxy.connect() as connection:
        connection.sendall(head.encode() + form)
        connection.settimeout(0)
        # Caddy hands an answer on only while its client sends.
        while not received and sent_bytes < LARGE_BYTES // 2:
            with suppress(ssl.SSLWantReadError):
                received = connection.recv(65_536)
            try:
                sent_bytes += connection.send(PIECE)
            except ssl.SSLWantWriteError:
                select.select([connection], [connection], [], PATIENCE_SECONDS)
    assert received.startswith(b"HTTP/1.1 415 ")


def test_an_upload_that_is_cut_goes_on_where_it_was(
    server: PrivateServer, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.authorities))
    recording = silence(tmp_path / "talk.wav", 2 * CUT_AFTER_BYTES)
    before = stored_bytes(server)
    with BreakingProxy(proxy.places.port, CUT_AFTER_BYTES) as line, recording.open("rb") as file:
        line.may_break.clear()
        client = TusClient(
            f"https://localhost:{line.port}/api/datasets/1/uploads", headers={"Authorization": proxy.authorization}
        )
        uploader = client.uploader(metadata={"filename": "talk.wav"}, file_stream=file, retries=50, retry_delay=0.3)
        with ThreadPoolExecutor(1) as aside:
            done = aside.submit(uploader.upload)
            wait_for(lambda: stored_bytes(server) - before > CUT_AFTER_BYTES // 2, "the server has a part of it")
            line.may_break.set()
            done.result()
        assert line.breaks_left == 0
        assert line.sent_bytes < recording.stat().st_size + CUT_AFTER_BYTES, "what had arrived was not sent again"
        assert str(uploader.url).startswith(f"https://localhost:{line.port}/"), "the address that the client knows"
    item = proxy.client.get("/api/items", params={"limit": 1}).json()["items"][0]["id"]
    assert proxy.client.get(f"/api/items/{item}/audio").content == recording.read_bytes()


def stored_bytes(server: PrivateServer) -> int:
    """Bytes of recordings that the server keeps, on their way in included."""
    total = 0
    for path in (server.data_dir / "blobs").rglob("*"):
        with suppress(FileNotFoundError):  # moved meanwhile
            total += path.stat().st_size
    return total


def test_events_come_at_once(proxy: Proxy) -> None:
    with (
        proxy.client_from() as listener,
        listener.stream("GET", "/api/events", timeout=HEARTBEAT_SECONDS) as stream,
    ):
        lines = stream.iter_lines()
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert any(line == "event: look" for line in lines)
        item_id = upload(proxy.client, EXAMPLE)
        told = (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {"))
        assert any(each.get("id") == item_id for each in told)


async def test_agents_come_in(proxy: Proxy) -> None:
    headers = {"Authorization": proxy.authorization}
    for mode in ("auto", "legacy"):
        async with (
            httpx2.AsyncClient(headers=headers, verify=proxy.tls, timeout=PATIENCE_SECONDS, trust_env=False) as http,
            Client(streamable_http_client(f"{proxy.base}/mcp", http_client=http), mode=mode) as client,
        ):
            tools = {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("search_audio", {"query": "deadline"})
        assert {"search_audio", "get_transcript"} <= tools
        assert not result.is_error


def guess(client: httpx.Client, base: str, number: int) -> int:
    """Status of an attempt to sign in with a token that nobody made; the client says that it speaks for another."""
    headers = {"Origin": base, "X-Echoic-Request": "1", "X-Forwarded-For": f"203.0.113.{number}", "Authorization": ""}
    return client.post("/api/sign-in/token", json={"token": uuid.uuid4().hex}, headers=headers).status_code


def test_the_server_knows_its_clients_apart_whatever_they_say_of_themselves(proxy: Proxy) -> None:
    number = 10 + [kind.name for kind in KINDS].index(proxy.kind.name)
    with proxy.client_from(f"127.0.0.{number}") as guesser, proxy.client_from(f"127.0.1.{number}") as other:
        statuses = [guess(guesser, proxy.base, each) for each in range(GUESSES_AT_ONCE + 10)]
        assert statuses[:5] == [401] * 5
        assert 429 in statuses
        assert guess(other, proxy.base, 1) == 401


def test_a_session_begins_over_tls_and_is_kept_from_plain_requests(proxy: Proxy) -> None:
    made = proxy.client.post("/api/sign-in-tokens").raise_for_status().json()
    assert made["url"].startswith(f"{proxy.base}/")
    with proxy.client_from() as browser:
        del browser.headers["Authorization"]
        own = {"Origin": proxy.base, "Sec-Fetch-Site": "same-origin", "X-Echoic-Request": "1"}
        signed_in = browser.post("/api/sign-in/token", json={"token": made["token"]}, headers=own)
        assert signed_in.status_code == 200, signed_in.text
        assert signed_in.headers["Set-Cookie"].startswith("__Host-")
        assert browser.get("/api/account").json()["has_session"]


def test_plain_requests_are_sent_to_https_and_metrics_are_nobodys(proxy: Proxy) -> None:
    answer = httpx.get(f"{proxy.plain_base}/api/items?limit=1", trust_env=False)
    assert answer.status_code in (301, 308)
    assert answer.headers["Location"].startswith("https://localhost")
    assert answer.headers["Location"].endswith("/api/items?limit=1")
    assert proxy.client.get("/metrics").status_code == 404


def slow_upload(server: PrivateServer, name: str) -> httpx.Response:
    """Upload through a proxy whose waits are short, for longer than these."""

    def pieces() -> Iterator[bytes]:
        content = EXAMPLE.read_bytes()
        count = SHORT_SECONDS + 2
        for number in range(count):
            yield content[number * len(content) // count : (number + 1) * len(content) // count]
            time.sleep(1)

    with passable_folder() as folder, running(KINDS_BY_NAME[name], server, folder, shortened=True) as proxy:
        made = proxy.client.post(
            "/api/datasets/1/uploads",
            headers=VERSION | creation(EXAMPLE.stat().st_size, {}),
        )
        return proxy.client.patch(
            made.headers["Location"],
            content=pieces(),
            headers=VERSION | BYTES | {"Upload-Offset": "0"},
        )


def test_an_upload_may_take_longer_than_any_wait_of_the_proxy(server: PrivateServer) -> None:
    names = [kind.name for kind in KINDS if kind.program() is not None]
    if not names:
        pytest.skip("no reverse proxy is installed: apt-get install nginx caddy haproxy")
    with ThreadPoolExecutor(len(names)) as together:
        answers = dict(zip(names, together.map(lambda name: slow_upload(server, name), names), strict=True))
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(names, 204)


@pytest.mark.parametrize("file", ["nginx.conf", "haproxy.cfg"])
def test_waits_are_longer_than_the_silence_of_a_stream_and_of_openais_clients(file: str) -> None:
    waits = [int(seconds) for seconds in WAITS.findall((FILES / file).read_text(encoding="utf-8"))]
    assert len(waits) >= 2
    assert min(waits) >= max(4 * HEARTBEAT_SECONDS, 600)
