"""What has to hold across API processes: an idempotency key, an upload and the lease on it, streams of events, a plan's limit.

Each check takes two clients, one of each process, with the owner's key; both follow redirects, since recordings may come from the
bucket. AssertionError says that something does not hold. ``bench.storm`` tries them in its cluster, and the tests on two servers.
"""

import base64
import json
import math
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from bench.sender import wav_head
from echoic.plans import FREE

Clients = Sequence[httpx.Client]

CONTENT = wav_head(96_000) + bytes(range(256)) * 375
PIECES = 4
DRIP_BYTES, DRIP_SECONDS = 500, 0.1
BEGUN_BYTES = 10_000
"""Sent before the second request, which takes two seconds."""
LEASE_TRIES = 5
PATIENCE_SECONDS = 180.0
RATE_CLIENTS = 8
ITEMS = "/api/datasets/1/items"
SPEAKING = {"Tus-Resumable": "1.0.0"}


def check_across(clients: Clients) -> list[str]:
    """Try everything; returns a line for each thing that holds."""
    check_key(clients)
    check_lease(clients)
    check_upload(clients)
    check_events(clients)
    passed = check_rate(clients)
    return [
        "idempotency: one key sent to both processes at once made one item, and both replay it",
        "lease: while one process takes a piece of an upload the other answers 423, then knows where it stands",
        "upload: pieces that went to both processes in turn arrived byte for byte",
        "events: the process that did not take the upload tells of its work to the end",
        f"rate: both processes together let through {passed} requests of a plan with {FREE.requests_per_minute} a minute",
    ]


def check_key(clients: Clients) -> None:
    """Send the same upload under one key to both processes at once, and again to each."""
    key = uuid.uuid4().hex

    def send(client: httpx.Client) -> httpx.Response:
        files = {"audio": ("tone.wav", CONTENT)}
        return client.post(ITEMS, headers={"Idempotency-Key": key}, data={"title": key}, files=files)

    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(send, clients))
    assert {answer.status_code for answer in first} <= {200, 409}, [answer.text for answer in first]
    again = [send(client) for client in clients]
    ids = {answer.json()["item_id"] for answer in (*first, *again) if answer.status_code == httpx.codes.OK}
    assert len(ids) == 1, ids
    assert [answer.headers.get("idempotent-replayed") for answer in again] == ["true", "true"]
    listed = clients[0].get(ITEMS, params={"limit": 100}).raise_for_status().json()["items"]
    assert {item["id"] for item in listed if item["title"] == key} == ids


def check_lease(clients: Clients) -> None:
    """Send bytes to an upload by the second process while the first takes some."""
    # On a busy machine the second request may be there before the first has begun.
    assert any(_one_lease(clients) for _ in range(LEASE_TRIES)), "the slow request never was the first"


def _one_lease(clients: Clients) -> bool:
    """Send a slow request to one process and a quick one to the other; returns whether the slow one was the first."""
    path = begin_upload(clients[0])
    begun, enough = threading.Event(), threading.Event()
    length = len(CONTENT) - 1

    def drip() -> Iterator[bytes]:
        for start in range(0, length, DRIP_BYTES):
            yield CONTENT[start : min(start + DRIP_BYTES, length)]
            if start >= BEGUN_BYTES:
                begun.set()
            enough.wait(DRIP_SECONDS)

    def send_slowly() -> int:
        headers = {**appending(0), "Content-Length": str(length)}
        try:
            return clients[0].patch(path, headers=headers, content=drip()).status_code
        except httpx.TransportError:
            return 0  # refused while it was still sending

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(send_slowly)
        assert begun.wait(PATIENCE_SECONDS)
        second = clients[1].patch(path, headers=appending(0), content=CONTENT)
        enough.set()
        taken = [slow.result(), second.status_code]
    assert taken.count(httpx.codes.NO_CONTENT) == 1, (taken, second.text)
    if second.is_success:
        return False
    assert second.status_code == httpx.codes.LOCKED, second.text
    assert offset_of(clients[1], path) == length
    clients[1].delete(path, headers=SPEAKING).raise_for_status()
    return True


def check_upload(clients: Clients) -> None:
    """Send the pieces of an upload to both processes in turn, and read the recording from each."""
    path = begin_upload(clients[0])
    size = math.ceil(len(CONTENT) / PIECES)
    for number, start in enumerate(range(0, len(CONTENT), size)):
        client = clients[number % len(clients)]
        assert offset_of(client, path) == start
        answer = client.patch(path, headers=appending(start), content=CONTENT[start : start + size]).raise_for_status()
    item_id = int(answer.headers["item-id"])
    for client in clients:
        assert client.head(path, headers=SPEAKING).headers["item-id"] == str(item_id)
        assert_whole(client, item_id)


def begin_upload(client: httpx.Client) -> str:
    """Begin an upload of ``CONTENT`` by tus; returns its path."""
    name = base64.b64encode(_file_name().encode()).decode()
    headers = {**SPEAKING, "Upload-Length": str(len(CONTENT)), "Upload-Metadata": f"filename {name}"}
    answer = client.post("/api/datasets/1/uploads", headers=headers).raise_for_status()
    return httpx.URL(answer.headers["location"]).path


def appending(offset: int) -> dict[str, str]:
    """The headers of a request that adds bytes to an upload."""
    return {**SPEAKING, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}


def offset_of(client: httpx.Client, path: str) -> int:
    """How many bytes of an upload are safe, as a process says."""
    return int(client.head(path, headers=SPEAKING).raise_for_status().headers["upload-offset"])


def assert_whole(client: httpx.Client, item_id: int) -> None:
    """Read a recording and compare it with ``CONTENT``."""
    assert client.get(f"/api/items/{item_id}/audio").raise_for_status().content == CONTENT


def check_events(clients: Clients) -> None:
    """Upload to the first process while the second one is listened to, and ask that one for the item's own events, too."""
    with clients[1].stream("GET", "/api/events") as stream:
        told = _told(stream)
        next(told)  # from now on changes are heard
        answer = clients[0].post(ITEMS, files={"audio": (_file_name(), CONTENT)})
        item_id = answer.raise_for_status().json()["item_id"]
        assert any((one.get("id"), one.get("status")) == (item_id, "published") for one in told), "the stream ended"
    with clients[1].stream("GET", f"/api/items/{item_id}/events") as stream:
        statuses = [one["status"] for one in _told(stream) if "status" in one]
    assert statuses == ["published"], statuses


def _file_name() -> str:
    """A name that no other upload has: storms count items of one title as doubled."""
    return f"{uuid.uuid4().hex}.wav"


def _told(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the data of each event."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for line in stream.raise_for_status().iter_lines():
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))
        assert time.monotonic() < deadline, "it takes too long"


def check_rate(clients: Clients) -> int:
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
