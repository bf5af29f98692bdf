"""How many requests a second a server with the embedded database answers, the load generator beside it.

    python -m bench.api [--connections 8] [--rounds 5] [--seconds 3]

A server of its own holds some published recordings, made by fake engines (but for the encoder of search queries). The
rounds alternate between the kinds of request; each runs for so many seconds over connections that stay open, every
request with the API key in its header and every answer checked for its status. Beside the rate stands the processor
time of a request, which says on a busy machine what the rate cannot.
"""

import argparse
import json
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

from bench.processor import ProcessorSeconds, processor_seconds
from bench.transcribe import follow, upload
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

EXAMPLE = Path(__file__).parents[1] / "examples" / "jfk.flac"
ITEMS = 10
ENGINES = {name: value for name, value in FAKE_ENGINES.items() if name != "ECHOIC_TEXT_ENCODER"}
ANSWER_PATIENCE_SECONDS = 30.0

Address = tuple[str, int]


def load(address: Address, request: bytes, connections: int, seconds: float) -> list[float]:
    """Send the request again and again over each connection; returns how long each answer took, in seconds."""
    taken: list[list[float]] = [[] for _ in range(connections)]
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=_repeat, args=(address, request, until, mine)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not all(taken):
        raise SystemExit("a connection got no proper answer")
    return [second for mine in taken for second in mine]


def _repeat(address: Address, request: bytes, until: float, taken: list[float]) -> None:
    with socket.create_connection(address, timeout=ANSWER_PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        measured: list[float] = []
        while (started := time.perf_counter()) < until:
            connection.sendall(request)
            if not _is_answered(connection):
                return
            measured.append(time.perf_counter() - started)
    taken.extend(measured)


def _is_answered(connection: socket.socket) -> bool:
    """Read one answer of status 200 to its end."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += (piece := connection.recv(65536))
        if not piece:
            return False
    head = received[:end].lower()
    length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
    missing = length - (len(received) - end - 4)
    while missing > 0:
        piece = connection.recv(65536)
        if not piece:
            return False
        missing -= len(piece)
    return head.startswith(b"http/1.1 200")


def requests_of(key: str, item_id: int) -> Mapping[str, bytes]:
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\n"

    def search(kind: str) -> bytes:
        query = json.dumps({"query": "country", "search_type": kind})
        sizes = f"Content-Type: application/json\r\nContent-Length: {len(query)}\r\n"
        return f"POST /api/search HTTP/1.1\r\n{head}{sizes}\r\n{query}".encode()

    return {
        "item": f"GET /api/items/{item_id} HTTP/1.1\r\n{head}\r\n".encode(),
        "list": f"GET /api/datasets/1/items HTTP/1.1\r\n{head}\r\n".encode(),
        "search_text": search("text"),
        "search_hybrid": search("hybrid"),
    }


@contextmanager
def filled_server() -> Iterator[tuple[PrivateServer, int]]:
    """A server with published items, and the id of one."""
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        Path(name).chmod(0o711)
        with PrivateServer(Path(name), ECHOIC_LOG_LEVEL="warning", **ENGINES) as server:
            ids = [upload(server.client, EXAMPLE) for _ in range(ITEMS)]
            for item_id in ids:
                follow(server.client, item_id)
            yield server, ids[0]


@dataclass(slots=True)
class Measured:
    """What was found of one kind of request."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Of every answer."""
    costs: list[ProcessorSeconds] = field(default_factory=list)
    """Of a request, by round."""

    def row(self) -> str:
        rates, times = self.rates, sorted(self.seconds)
        middle, late = statistics.median(times) * 1000, times[int(len(times) * 0.95)] * 1000
        rate = f"{statistics.median(rates):8.0f}{min(rates):8.0f}{max(rates):8.0f}{middle:8.1f}{late:8.1f}"
        return f"{rate}{self.server_ms():12.2f}{self.database_ms():13.2f}"

    def server_ms(self) -> float:
        return statistics.median(cost.server for cost in self.costs) * 1000

    def database_ms(self) -> float:
        return statistics.median(cost.database for cost in self.costs) * 1000


def measure(server: PrivateServer, item_id: int, given: argparse.Namespace, pool: Pool) -> dict[str, str]:
    client = server.client
    address = ("127.0.0.1", client.base_url.port or 0)
    requests = requests_of(client.headers["Authorization"].removeprefix("Bearer "), item_id)
    found = {name: Measured() for name in requests}
    for number in range(given.rounds + 1):
        for name, request in requests.items():
            before = processor_seconds(server.process.pid)
            answers = pool.apply(load, (address, request, given.connections, given.seconds))
            used = processor_seconds(server.process.pid) - before
            if number:  # the first round warms up
                found[name].rates.append(len(answers) / given.seconds)
                found[name].seconds += answers
                found[name].costs.append(used / len(answers))
    print(f"{given.connections} connections, {given.rounds} rounds of {given.seconds:g} s")
    print(f"{'':14}{'requests/s':>24}{'answered, ms':>16}{'processor ms a request':>25}")
    print(f"{'':14}{'median':>8}{'least':>8}{'most':>8}{'p50':>8}{'p95':>8}{'server':>12}{'PostgreSQL':>13}")
    for name, measured in found.items():
        print(f"{name:14}{measured.row()}")
    figures = {f"{name}_per_s": f"{statistics.median(measured.rates):.0f}" for name, measured in found.items()}
    for name, measured in found.items():
        figures |= {f"{name}_server_ms": f"{measured.server_ms():.2f}"}
        figures |= {f"{name}_database_ms": f"{measured.database_ms():.2f}"}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    with get_context("spawn").Pool(1) as pool, filled_server() as (server, item_id):
        figures = measure(server, item_id, given, pool)
    print(" ".join(f"{name}={value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
