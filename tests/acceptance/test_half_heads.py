"""Heads of requests that never end, against a real server process: they harm no reader and cost no memory."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from echoic.units import MB
from tests.acceptance.conftest import FAKES
from tests.folders import copied
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

FLOOD_BYTES = 100 * MB
SPARE_BYTES = 32 * MB
"""More than a head may have on any one connection, and far less than a flood."""
HALF_HEADS = 300


@pytest.fixture(scope="module")
def server(first_start: Path) -> Iterator[PrivateServer]:
    with (
        copied(first_start) as folder,
        PrivateServer(folder, options=WITHOUT_WORKER, **FAKES, ECHOIC_UPLOAD_IDLE_TIMEOUT_SECONDS="1") as started,
    ):
        yield started


def connect(server: PrivateServer) -> socket.socket:
    return socket.create_connection((server.client.base_url.host, server.client.base_url.port or 80), timeout=30)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def memory_bytes(server: PrivateServer) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


FLOODS = {
    "one header": (b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: ", b"x" * MB),
    "many headers": (b"GET /health/live HTTP/1.1\r\nHost: a\r\n", b"X: a\r\n" * 150_000),
    "a URL": (b"GET /", b"x" * MB),
    "trailers": (
        b"POST /api/search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X: a\r\n" * 150_000,
    ),
    "requests sent ahead": (b"", b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n" * 25_000),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_what_belongs_to_heads_costs_no_memory(server: PrivateServer, flood: str) -> None:
    begin, block = FLOODS[flood]
    before = most = memory_bytes(server)
    with connect(server) as connection:
        connection.sendall(begin)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(FLOOD_BYTES // len(block)):
                connection.sendall(block)
                most = max(most, memory_bytes(server))
    most = max(most, memory_bytes(server))
    assert most - before < SPARE_BYTES
    assert server.client.get("/health/live").status_code == 200


def test_hundreds_of_half_heads_harm_no_reader_and_are_given_up(server: PrivateServer) -> None:
    with contextlib.ExitStack() as opened:
        halves = [opened.enter_context(connect(server)) for _ in range(HALF_HEADS)]
        for half in halves:
            half.sendall(b"GET /api/items HTTP/1.1\r\nX-Half: ")
        for _ in range(20):
            assert server.client.get("/api/datasets").status_code == 200
        for half in halves:
            answered = answer(half)
            assert answered.startswith(b"HTTP/1.1 408 "), answered
            assert json.loads(answered.partition(b"\r\n\r\n")[2])["code"] == "head_timed_out"
    wait_for(
        lambda: 'echoic_held{what="connections"}' in server.client.get("/metrics").text, "the connections were counted"
    )


@pytest.mark.parametrize("path", ["/api/search", "/api/libraries"])
def test_a_body_of_json_that_stops_coming_is_given_up(server: PrivateServer, path: str) -> None:
    with connect(server) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {server.client.headers['Authorization']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        connection.sendall(head.encode())
        answered = answer(connection)
    assert re.match(rb"HTTP/1.1 400 ", answered), answered
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["code"] == "body_timed_out"
