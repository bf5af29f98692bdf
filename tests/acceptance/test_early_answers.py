"""A refusal reaches the client although its body was not read: curl, and raw sockets, against a real server process."""

import json
import re
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from echoic.units import MB
from tests.acceptance.conftest import FAKES, RECORDING
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

BODY_BYTES = 200 * MB
EXAMPLE = RECORDING.with_name("jfk.flac")
FORM_HEAD = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="%s"\r\n\r\n'
FORM_TYPE = "multipart/form-data; boundary=b"
LOGGED = {"ECHOIC_LOG_LEVEL": "debug", "ECHOIC_LOG_FORMAT": "json"}
READ = re.compile(r'"read_bytes": ?(\d+)')


@pytest.fixture(scope="module")
def server(first_start: Path) -> Iterator[PrivateServer]:
    with (
        copied(first_start) as folder,
        PrivateServer(folder, options=WITHOUT_WORKER, **FAKES, **LOGGED) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def large(server: PrivateServer) -> Path:
    path = server.data_dir / "large.flac"
    with path.open("wb") as file:
        file.truncate(BODY_BYTES)
    return path


class Reads:
    """What the server says it read from connections that it answered early."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._before = len(self._found())

    def last(self) -> int:
        wait_for(lambda: len(self._found()) > self._before, "the server has closed the connection")
        return self._found()[-1]

    def _found(self) -> list[int]:
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [int(READ.findall(line)[0]) for line in lines if "answered_early" in line]


@pytest.fixture
def reads(server: PrivateServer) -> Reads:
    return Reads(server.log)


@dataclass(frozen=True, kw_only=True)
class CurlAnswer:
    """What somebody sees who uses curl."""

    exit_code: int
    status: int
    code: str | None
    trace: str


def curl(server: PrivateServer, dataset_id: int, *options: str, key: str | None = None) -> CurlAnswer:
    key = key or server.client.headers["Authorization"]
    ended = subprocess.run(
        [
            shutil.which("curl") or "curl", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--max-time", "60",
            "--write-out", "\n%{http_code}", "--header", f"Authorization: {key}", *options,
            str(server.client.base_url.join(f"/api/datasets/{dataset_id}/items")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    body, _, status = ended.stdout.rpartition("\n")
    code = json.loads(body).get("code") if body else None
    return CurlAnswer(exit_code=ended.returncode, status=int(status), code=code, trace=ended.stderr)


REFUSED_AT_THE_HEAD = {
    "a wrong dataset": (999, "large.flac", None, 404, "dataset_not_found"),
    "a wrong key": (1, "large.flac", "Bearer ek_wrong", 401, "unauthorized"),
}


@pytest.mark.parametrize("expects", [True, False], ids=["with Expect", "without Expect"])
@pytest.mark.parametrize("what", REFUSED_AT_THE_HEAD)
def test_curl_sees_a_refusal_that_cost_less_than_a_megabyte_of_its_200(
    server: PrivateServer, large: Path, reads: Reads, what: str, *, expects: bool
) -> None:
    dataset_id, name, key, status, code = REFUSED_AT_THE_HEAD[what]
    header = "Expect: 100-continue" if expects else "Expect:"
    answer = curl(server, dataset_id, "--header", header, "--form", f"audio=@{large};filename={name}", key=key)
    assert (answer.exit_code, answer.status, answer.code) == (0, status, code), answer.trace
    assert reads.last() < MB
    assert "100 Continue" not in answer.trace
    if expects:
        assert reads.last() < 64 * 1024, "nothing but the head was sent"


def test_curl_sees_a_refusal_of_the_files_name_while_it_sends(server: PrivateServer, large: Path, reads: Reads) -> None:
    answer = curl(server, 1, "--form", f"audio=@{large};filename=large.exe")
    assert (answer.exit_code, answer.status, answer.code) == (0, 415, "format_not_allowed"), answer.trace
    assert "100 Continue" in answer.trace, "what the form holds can only be seen by reading"
    assert reads.last() < MB


def test_curl_sees_the_refusal_of_a_body_of_undeclared_length(server: PrivateServer, large: Path, reads: Reads) -> None:
    chunked = ("--header", "Transfer-Encoding: chunked", "--header", f"Content-Type: {FORM_TYPE}")
    answer = curl(server, 999, *chunked, "--header", "Expect:", "--data-binary", f"@{large}")
    assert (answer.exit_code, answer.status, answer.code) == (0, 404, "dataset_not_found"), answer.trace
    assert reads.last() < MB


def test_a_body_that_is_wanted_is_asked_for(server: PrivateServer) -> None:
    answer = curl(server, 1, "--header", "Expect: 100-continue", "--form", f"audio=@{EXAMPLE}")
    assert (answer.exit_code, answer.status) == (0, 200), answer.trace
    assert "100 Continue" in answer.trace


def connect(server: PrivateServer, dataset_id: int = 999, *, declared_bytes: int = BODY_BYTES) -> socket.socket:
    """A connection on which the head of an upload was sent."""
    host, port = server.client.base_url.host, server.client.base_url.port
    connection = socket.create_connection((host, port or 80), timeout=30)
    head = (
        f"POST /api/datasets/{dataset_id}/items HTTP/1.1\r\nHost: {host}\r\nContent-Type: {FORM_TYPE}\r\n"
        f"Authorization: {server.client.headers['Authorization']}\r\nContent-Length: {declared_bytes}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def read_answer(connection: socket.socket) -> tuple[int, Any, bytes]:
    """Status and body of one answer, and its head."""
    with connection.makefile("rb") as stream:
        head = b"".join(iter(stream.readline, b"\r\n"))
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None, head
        return int(head.split()[1]), json.loads(stream.read(int(length[1]))), head


def test_a_client_that_listens_while_it_sends_sees_the_answer_and_the_end(server: PrivateServer, reads: Reads) -> None:
    with connect(server) as connection:
        connection.setblocking(False)
        received, ended, block = b"", False, bytes(65_536)
        while not ended:
            readable, writable, _ = select.select([connection], [connection], [], 30)
            assert readable or writable, "neither an answer nor room to send"
            if readable:
                piece = connection.recv(65_536)
                received, ended = received + piece, not piece
            elif writable:
                connection.send(block)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close" in head
    assert json.loads(body)["code"] == "dataset_not_found"
    assert reads.last() < MB


def test_a_client_that_only_sends_until_it_cannot_sees_the_answer_afterwards(
    server: PrivateServer, reads: Reads
) -> None:
    with connect(server) as connection:
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(bytes(BODY_BYTES))
        status, body, _ = read_answer(connection)
    assert (status, body["code"]) == (404, "dataset_not_found")
    assert reads.last() < MB


def test_a_client_that_waits_silently_is_not_waited_for(server: PrivateServer, reads: Reads) -> None:
    with connect(server) as connection:
        assert read_answer(connection)[0] == 404
        assert connection.recv(1) == b""
        assert reads.last() < MB, "closed by the server alone"


def test_after_a_refusal_of_a_whole_body_the_connection_serves_on(server: PrivateServer) -> None:
    body = FORM_HEAD % b"talk.exe" + b"\r\n--b--\r\n"
    with connect(server, 1, declared_bytes=len(body)) as connection:
        connection.sendall(body)
        status, answer, head = read_answer(connection)
        assert (status, answer["code"]) == (415, "format_not_allowed")
        assert b"connection: close" not in head
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection)[0] == 200
