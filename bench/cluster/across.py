"""What has to hold across API processes: an idempotency key, the lease on an upload, streams of events, and a plan's limit."""

import base64
import json
import math
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.cluster.cluster import Cluster
from bench.sender import wav_head
from echoic.plans import FREE

CONTENT = wav_head(96_000) + bytes(range(256)) * 375
DRIP_BYTES, DRIP_SECONDS = 500, 0.1
BEGUN_BYTES = 10_000
"""Sent before the second request, which takes two seconds."""
LEASE_TRIES = 5
PATIENCE_SECONDS = 60.0
RATE_CLIENTS = 8
SPEAKING = {"Tus-Resumable": "1.0.0"}


def check_across(cluster: Cluster) -> list[str]:
    """Try it with both API processes, past the proxy; returns a line for each thing that holds. Raises AssertionError."""
    clients = [cluster.client_of(cluster.api_base(number), timeout=PATIENCE_SECONDS) for number in (0, 1)]
    item_id = _one_key(clients)
    # On a busy machine the second request may be there before the first has begun.
    assert any(_one_lease(clients) for _ in range(LEASE_TRIES)), "the slow request never was the first"
    _events(clients, item_id)
    passed = _one_rate(clients)
    return [
        "idempotency: one key sent to both processes at once made one item, and both replay it",
        "lease: while one process takes a piece of an upload the other answers 423, then knows where it stands",
        "events: the process that did not take the upload tells of its work to the end",
        f"rate: both processes together let through {passed} requests of a plan with {FREE.requests_per_minute} a minute",
    ]


def _one_key(clients: list[httpx.Client]) -> int:
    key = {"Idempotency-Key": uuid.uuid4().hex}

    def send(client: httpx.Client) -> httpx.Response:
        return client.post("/api/datasets/1/items", headers=key, files={"audio": ("tone.wav", CONTENT)})

    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(send, clients))
    assert {answer.status_code for answer in first} <= {200, 409}, [answer.text for answer in first]
    again = [send(client) for client in clients]
    ids = {answer.json()["item_id"] for answer in (*first, *again) if answer.status_code == httpx.codes.OK}
    assert len(ids) == 1, ids
    assert [answer.headers.get("idempotent-replayed") for answer in again] == ["true", "true"]
    return int(ids.pop())


def _one_lease(clients: list[httpx.Client]) -> bool:
    """Send a slow request to one process and a quick one to the other; returns whether the slow one was the first."""
    name = base64.b64encode(b"tone.wav").decode()
    creating = {**SPEAKING, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": f"filename {name}"}
    place = clients[0].post("/api/datasets/1/uploads", headers=creating).raise_for_status().headers["location"]
    path = httpx.URL(place).path
    appending = {**SPEAKING, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    begun, enough = threading.Event(), threading.Event()
    length = len(CONTENT) - 1

    def drip() -> Iterator[bytes]:
        for start in range(0, length, DRIP_BYTES):
            yield CONTENT[start : min(start + DRIP_BYTES, length)]
            if start >= BEGUN_BYTES:
                begun.set()
            if not enough.is_set():
                time.sleep(DRIP_SECONDS)

    def send_slowly() -> int:
        headers = {**appending, "Content-Length": str(length)}
        try:
            return clients[0].patch(path, headers=headers, content=drip()).status_code
        except httpx.TransportError:
            return 0  # refused while it was still sending

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(send_slowly)
        assert begun.wait(PATIENCE_SECONDS)
        second = clients[1].patch(path, headers=appending, content=CONTENT)
        enough.set()
        taken = [slow.result(), second.status_code]
    assert taken.count(httpx.codes.NO_CONTENT) == 1, (taken, second.text)
    if second.is_success:
        return False
    assert second.status_code == httpx.codes.LOCKED, second.text
    stands = clients[1].head(path, headers=SPEAKING)
    assert int(stands.headers["upload-offset"]) == length
    clients[1].delete(path, headers=SPEAKING).raise_for_status()
    return True


def _events(clients: list[httpx.Client], item_id: int) -> None:
    statuses = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    with clients[1].stream("GET", f"/api/items/{item_id}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and "status" in (told := json.loads(line.removeprefix("data:"))):
                statuses.append(told["status"])
            assert time.monotonic() < deadline
    assert statuses == ["published"], statuses


def _one_rate(clients: list[httpx.Client]) -> int:
    """Send half more to each process than the plan has for both; returns how many got through."""
    limit = FREE.requests_per_minute or 0
    made = clients[0].post("/api/accounts", json={"name": "In a hurry", "plan": FREE.name}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {made['key']}"}

    def ask(number: int) -> int:
        return clients[number % 2].get("/api/datasets", headers=headers).status_code

    begun = time.monotonic()
    with ThreadPoolExecutor(RATE_CLIENTS) as pool:
        statuses = list(pool.map(ask, range(3 * limit)))
    regained = math.floor((time.monotonic() - begun) * limit / 60)
    passed = statuses.count(httpx.codes.OK)
    assert passed + statuses.count(httpx.codes.TOO_MANY_REQUESTS) == len(statuses), set(statuses)
    assert limit <= passed <= limit + regained, (passed, regained)
    return passed
