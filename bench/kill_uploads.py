"""kill -9 of a whole server at random moments under eight uploads at once: is what it accepted whole, and nothing else left?

    python -m bench.kill_uploads [--kills 20] [--seed 1]

After each kill the server is started again on the same folder, everything that no row names is swept, and then
counted: accepted uploads whose item or bytes are missing or wrong (lost), and what is there of the others: bytes
without a row, half-written bytes, rows without bytes (left behind). An upload may have been committed in the instant
before its answer was sent; such an item must be whole like the others, and is counted by itself.
"""

import argparse
import asyncio
import hashlib
import os
import random
import socket
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.sender import FORM_TAIL, Address, Answer, form_head, read_answer, request_head, wav_head
from echoic.compose import open_components
from echoic.db.items import items
from echoic.intake.sweep import sweep
from echoic.server.database import found_database
from echoic.settings import Settings
from echoic.storage.local import STAGING_FOLDER
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer

UPLOADERS = 8
MIN_BYTES, MAX_BYTES = 500_000, 5_000_000
PIECE_BYTES = 64 * 1024
MAX_PAUSE_SECONDS = 0.004
"""Between two pieces, so that kills also find uploads in the middle of their bodies."""
MOST_ANSWERS = 12
"""Before a kill."""
MAX_DELAY_SECONDS = 0.4
PROGRESS_PATIENCE_SECONDS = 120.0
ANSWER_PATIENCE_SECONDS = 60.0
UPLOAD_PATH = "/api/datasets/1/items"


@dataclass(kw_only=True)
class Outcome:
    """What all kills together did."""

    kills: int = 0
    accepted: int = 0
    """Uploads answered with 200."""
    broken_off: int = 0
    """Uploads that the kill left without an answer."""
    kept_unanswered: int = 0
    """Of these, committed just before, and whole."""
    swept: int = 0
    lost: int = 0
    left_behind: int = 0

    def line(self) -> str:
        return " ".join(f"{name}={value}" for name, value in vars(self).items())


@dataclass
class Sent:
    """What the uploaders of one round sent, by title: the SHA-256 of the file; and what came back."""

    sha256: dict[str, str] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def kill_and_count(
    data_dir: Path, *, kills: int, seed: int, most_answers: int = MOST_ANSWERS, **environment: str
) -> Outcome:
    """Kill the server so many times in the midst of uploads and count after each what is there."""
    chance = random.Random(seed)
    outcome = Outcome()
    server = PrivateServer(data_dir, options=WITHOUT_WORKER, **environment)
    try:
        server.client.patch("/api/datasets/1", json={"auto_transcribe": False}).raise_for_status()
        for number in range(kills):
            sent = _kill_amid_uploads(server, chance, f"{number}", chance.randint(0, most_answers))
            server = PrivateServer(data_dir, options=WITHOUT_WORKER, **environment)
            outcome.kills += 1
            outcome.accepted += len(sent.accepted)
            outcome.broken_off += len(sent.sha256) - len(sent.accepted)
            _count(outcome, server.client, sent, data_dir)
    finally:
        server.stop()
    return outcome


def _kill_amid_uploads(server: PrivateServer, chance: random.Random, name: str, answers: int) -> Sent:
    sent = Sent()
    stop = threading.Event()
    address = ("127.0.0.1", server.client.base_url.port or 0)
    key = server.client.headers["Authorization"].removeprefix("Bearer ")
    threads = []
    for number in range(UPLOADERS):
        uploader = _Uploader(address, key, f"{name}-{number}", random.Random(chance.getrandbits(64)), sent)
        threads.append(threading.Thread(target=uploader.run, args=(stop,)))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PROGRESS_PATIENCE_SECONDS
    while len(sent.accepted) < answers and not sent.refused and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, MAX_DELAY_SECONDS))
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    if sent.refused or len(sent.accepted) < answers:
        raise SystemExit(f"the uploads did not get on: {sent.refused or 'too slow'}")
    return sent


@dataclass(frozen=True)
class _Uploader:
    """Uploads noise, one file after the other, at the pace of a line."""

    address: Address
    key: str
    name: str
    chance: random.Random
    sent: Sent

    def run(self, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            title = f"{self.name}-{number}"
            number += 1
            size = self.chance.randint(MIN_BYTES, MAX_BYTES)
            content = wav_head(size) + os.urandom(size)
            with self.sent.lock:
                self.sent.sha256[title] = hashlib.sha256(content).hexdigest()
            try:
                answer = self._upload(title, content)
            except OSError:
                return  # killed
            with self.sent.lock:
                if answer.status == 200:
                    self.sent.accepted[title] = answer.item_id()
                else:
                    self.sent.refused.append(answer.body.decode(errors="replace"))

    def _upload(self, title: str, content: bytes) -> Answer:
        head = form_head("noise.wav", title)
        length = len(head) + len(content) + len(FORM_TAIL)
        with socket.create_connection(self.address, timeout=ANSWER_PATIENCE_SECONDS) as connection:
            connection.sendall(request_head("POST", UPLOAD_PATH, length, self.key) + head)
            for start in range(0, len(content), PIECE_BYTES):
                connection.sendall(content[start : start + PIECE_BYTES])
                time.sleep(self.chance.uniform(0, MAX_PAUSE_SECONDS))
            connection.sendall(FORM_TAIL)
            return read_answer(connection)


def _count(outcome: Outcome, client: httpx.Client, sent: Sent, data_dir: Path) -> None:
    swept, unnamed = asyncio.run(sweep_and_count(data_dir))
    outcome.swept += swept
    outcome.left_behind += unnamed
    found = {item["title"]: item for item in _all_items(client)}
    for title, item_id in sent.accepted.items():
        item = found.get(title)
        if item is None or item["id"] != item_id or not _is_whole(client, item, sent.sha256[title]):
            outcome.lost += 1
    for title, item in found.items():
        if title not in sent.accepted:
            if title in sent.sha256 and _is_whole(client, item, sent.sha256[title]):
                outcome.kept_unanswered += 1
            else:
                outcome.left_behind += 1
        client.delete(f"/api/items/{item['id']}").raise_for_status()


def _is_whole(client: httpx.Client, item: dict[str, Any], sha256: str) -> bool:
    audio = client.get(f"/api/items/{item['id']}/audio")
    return audio.is_success and item["sha256"] == sha256 == hashlib.sha256(audio.content).hexdigest()


def _all_items(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(UPLOAD_PATH, params={"limit": 100, "offset": len(found)}).raise_for_status().json()
        found += page["items"]
        if len(found) >= page["total"]:
            return found


async def sweep_and_count(data_dir: Path) -> tuple[int, int]:
    """Sweep whatever its age; returns how much that was, and what is left that no row names."""
    settings = Settings(_env_file=None, data_dir=data_dir)
    async with open_components(settings, found_database(settings)) as components:
        swept = await sweep(components.database, components.blobs, min_age_seconds=0)
        keys = [blob.key async for blob in components.blobs.list_older_than(0)]
        async with components.database.transaction() as session:
            known = await items.known_blob_keys(session, keys)
    staged = list((settings.blobs_dir / STAGING_FOLDER).iterdir())
    return swept, len(keys) - len(known) + len(staged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        Path(name).chmod(0o711)
        outcome = kill_and_count(Path(name), kills=given.kills, seed=given.seed)
    print(outcome.line())
    if outcome.lost or outcome.left_behind:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
