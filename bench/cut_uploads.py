"""Uploads by the IETF's draft over a line that breaks, and a server that is killed: is every one whole, and there once?

    python -m bench.cut_uploads [--cuts 200] [--kills 10] [--seed 1]

A small client sends noise, in all versions, with and without lengths and digests, in one request or several. At random bytes of a
body it ends the connection, by FIN or RST, or kills the server; then it asks where the upload stands and goes on from there.
``lost`` are uploads that ended without their item or with other bytes, ``doubled`` are items beyond one for each upload, and
``forgotten`` are bytes that the server had said to be safe and did not have afterwards. ``resent`` is the share of all bytes that had
to be sent again.
"""

import argparse
import base64
import hashlib
import http.client
import json
import random
import socket
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.sender import wav_head
from echoic.testing.private_server import FAKE_ENGINES, WITHOUT_WORKER, PrivateServer

UPLOADS_PATH = "/api/datasets/1/uploads"
MIN_BYTES, MAX_BYTES = 100_000, 2_000_000
BLOCK_BYTES = 16_384
VERSIONS = (None, "5", "6", "7", "8")
PAUSE_SECONDS = 0.002
"""Between two blocks before a cut, at the pace of a line: what was never read says nothing of the server."""
PATIENCE_SECONDS = 60.0
MAX_REQUESTS = 1000
"""Of one upload; a client that needs more gets nowhere."""
BUSY_SECONDS = 0.2
LINGER_RESETS = struct.pack("ii", 1, 0)
"""SO_LINGER: closing the socket resets the connection."""


@dataclass(kw_only=True)
class Outcome:
    """The sum of all uploads."""

    cuts: int = 0
    kills: int = 0
    uploads: int = 0
    lost: int = 0
    doubled: int = 0
    forgotten: int = 0
    needed_bytes: int = field(default=0, repr=False)
    sent_bytes: int = field(default=0, repr=False)

    @property
    def resent(self) -> float:
        """The share of the bytes sent that had been sent before."""
        return 1 - self.needed_bytes / self.sent_bytes if self.sent_bytes else 0.0

    def line(self) -> str:
        counted = " ".join(f"{name}={value}" for name, value in vars(self).items() if not name.endswith("_bytes"))
        return f"{counted} resent={self.resent:.2f}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that came whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CutLine:
    """A way to the server that ends within a body where a script says so, and the one who kills the server."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self._data_dir, self._environment = data_dir, environment
        self.server = PrivateServer(data_dir, options=WITHOUT_WORKER, **environment)
        self._port = self.server.client.base_url.port or 0
        self.key = self.server.client.headers["Authorization"]

    def kill(self) -> None:
        """End the server as kill -9 does, and start it again at the same address."""
        self.server.kill()
        environment = {**self._environment, "ECHOIC_PORT": str(self._port)}
        self.server = PrivateServer(self._data_dir, options=WITHOUT_WORKER, **environment)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, chunked: bool = False
    ) -> Answer:
        """Send a request and return its answer."""
        with self._begun(method, path, headers, body, chunked=chunked) as connection:
            for piece in _pieces(body, chunked=chunked):
                connection.sendall(piece)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def break_off(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        chunked: bool,
        after: int,
        kills: bool,
        resets: bool,
    ) -> None:
        """Send so many bytes of a body, and then no more."""
        with self._begun(method, path, headers, body, chunked=chunked) as connection:
            left = after
            for piece in _pieces(body, chunked=chunked):
                connection.sendall(piece[:left])
                time.sleep(PAUSE_SECONDS)
                left -= len(piece)
                if left <= 0:
                    break
            if kills:
                self.kill()
            elif resets:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESETS)

    def _begun(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, chunked: bool
    ) -> socket.socket:
        length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
        sent = {"Host": "localhost", "Connection": "close", "Authorization": self.key, **length, **headers}
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_SECONDS)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection


def _pieces(body: bytes, *, chunked: bool) -> Iterator[bytes]:
    for start in range(0, len(body), BLOCK_BYTES):
        block = body[start : start + BLOCK_BYTES]
        yield b"%x\r\n%b\r\n" % (len(block), block) if chunked else block
    if chunked:
        yield b"0\r\n\r\n"


class Upload:
    """One upload of noise by a client that goes on after everything that happens to it."""

    def __init__(self, line: CutLine, chance: random.Random, outcome: Outcome, title: str) -> None:
        self._line, self._chance, self._outcome, self._title = line, chance, outcome, title
        size = chance.randint(MIN_BYTES, MAX_BYTES)
        self.content = wav_head(size) + chance.randbytes(size)
        version = chance.choice(VERSIONS)
        self._version = {} if version is None else {"Upload-Draft-Interop-Version": version}
        self._piece_type = {} if version == "5" else {"Content-Type": "application/partial-upload"}
        self._has_digests = chance.random() < 0.3
        self._path = ""
        self._safe = 0

    def run(self, *, cuts: int, kills: int) -> int | None:
        """Upload the content over a line that breaks so often; returns the item, None where it was refused."""
        breaks = ["kill"] * kills + ["cut"] * cuts
        self._chance.shuffle(breaks)
        self._create()
        for _ in range(MAX_REQUESTS):
            answer = self._look()
            if answer.headers["upload-complete"] == "?1":
                return self._again()
            offset = int(answer.headers["upload-offset"])
            self._outcome.forgotten += offset < self._safe
            self._safe = offset
            if breaks and (len(self.content) > offset):
                self._break(breaks.pop(), offset)
                continue
            done = self._append(offset)
            if done is not None:
                return done
        return None

    def _create(self) -> None:
        headers = {**self._version, "Upload-Complete": "?0", "Content-Disposition": 'inline; filename="noise.wav"'}
        headers["Upload-Metadata"] = f"title {base64.b64encode(self._title.encode()).decode()}"
        if self._chance.random() < 0.5:
            headers["Upload-Length"] = str(len(self.content))
        if self._has_digests:
            headers["Repr-Digest"] = _digest(self.content)
        begun = self._line.ask("POST", UPLOADS_PATH, headers)
        if begun.status != 201:
            raise SystemExit(f"a creation was answered with {begun.status}: {begun.body.decode(errors='replace')}")
        self._path = begun.headers["location"]

    def _look(self) -> Answer:
        return self._patiently("HEAD", self._version, b"", statuses=(204,))

    def _again(self) -> int:
        """The answer to the last bytes was lost; it comes again."""
        headers = {**self._version, "Upload-Complete": "?1", "Upload-Offset": str(len(self.content))}
        return _item_of(self._patiently("PATCH", headers, b"", statuses=(200,)))

    def _break(self, how: str, offset: int) -> None:
        headers, body, chunked = self._piece(offset)
        after = self._chance.randint(1, len(body))
        self._line.break_off(
            *("PATCH", self._path, headers, body),
            chunked=chunked,
            after=after,
            kills=how == "kill",
            resets=self._chance.random() < 0.5,
        )
        self._outcome.sent_bytes += after
        self._outcome.kills += how == "kill"
        self._outcome.cuts += how == "cut"

    def _append(self, offset: int) -> int | None:
        headers, body, chunked = self._piece(offset)
        answer = self._line.ask("PATCH", self._path, headers, body, chunked=chunked)
        self._outcome.sent_bytes += len(body)
        if answer.status == 200:
            return _item_of(answer)
        if answer.status not in (204, 409, 423):
            raise SystemExit(f"an append was answered with {answer.status}: {answer.body.decode(errors='replace')}")
        return None

    def _piece(self, offset: int) -> tuple[dict[str, str], bytes, bool]:
        """Headers and body of a request from here on, and whether its length is left open."""
        rest = self.content[offset:]
        body = rest if self._chance.random() < 0.5 else rest[: self._chance.randint(0, len(rest))]
        is_last = len(body) == len(rest)
        headers = {**self._version, **self._piece_type, "Upload-Offset": str(offset)}
        headers["Upload-Complete"] = "?1" if is_last else "?0"
        if self._has_digests and self._chance.random() < 0.5:
            headers["Content-Digest"] = _digest(body)
        return headers, body, self._chance.random() < 0.3

    def _patiently(self, method: str, headers: Mapping[str, str], body: bytes, *, statuses: tuple[int, ...]) -> Answer:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._line.ask(method, self._path, headers, body)
            if answer.status in statuses:
                return answer
            if answer.status != 423 or time.monotonic() > until:
                raise SystemExit(f"{method} was answered with {answer.status}: {answer.body.decode(errors='replace')}")
            time.sleep(BUSY_SECONDS)


def cut_and_count(data_dir: Path, *, cuts: int, kills: int, seed: int, **environment: str) -> Outcome:
    """Upload until the line was cut and the server killed so often, and count what became of each upload."""
    chance = random.Random(seed)
    outcome = Outcome()
    line = CutLine(data_dir, environment)
    try:
        line.server.client.patch("/api/datasets/1", json={"auto_transcribe": False}).raise_for_status()
        while outcome.cuts < cuts or outcome.kills < kills:
            title = f"cut {seed} {outcome.uploads}"
            upload = Upload(line, chance, outcome, title)
            left = min(kills - outcome.kills, 1) if chance.random() < 0.5 or outcome.cuts >= cuts else 0
            item_id = upload.run(cuts=min(chance.randint(0, 8), cuts - outcome.cuts), kills=left)
            outcome.uploads += 1
            outcome.needed_bytes += len(upload.content)
            _count(outcome, line.server, title, item_id, hashlib.sha256(upload.content).hexdigest())
    finally:
        line.server.stop()
    return outcome


def _count(outcome: Outcome, server: PrivateServer, title: str, item_id: int | None, sha256: str) -> None:
    found = server.client.get("/api/datasets/1/items", params={"title": title}).raise_for_status().json()["items"]
    named = [item for item in found if item["title"] == title]
    outcome.doubled += max(len(named) - 1, 0)
    audio = server.client.get(f"/api/items/{item_id}/audio")
    is_whole = audio.is_success and hashlib.sha256(audio.content).hexdigest() == sha256
    outcome.lost += item_id is None or not is_whole or item_id not in [item["id"] for item in named]
    for item in named:
        server.client.delete(f"/api/items/{item['id']}").raise_for_status()


def _item_of(answer: Answer) -> int:
    return int(json.loads(answer.body)["item_id"])


def _digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        Path(name).chmod(0o711)
        outcome = cut_and_count(Path(name), cuts=given.cuts, kills=given.kills, seed=given.seed, **FAKE_ENGINES)
    print(outcome.line())
    if outcome.lost or outcome.doubled or outcome.forgotten:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
