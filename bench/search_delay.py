"""How soon a search finds what was corrected, where searches go to an OpenSearch.

    python -m scripts.with_opensearch python -m bench.search_delay [--corrections 50] [--items 5]

A server of its own, with engines that answer at once, gets recordings. Then one segment after the other is given a text with
a word that was never said before, which is searched for until it is found. The commit lies between the request and its
answer, so both are told: seconds from the answer of the correction, and from its request, to the answer of the search that
found it. A search that finds nothing is sent again after 20 ms.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.corrections import made_up
from echoic.testing.private_server import FAKE_ENGINES, PrivateServer

RECORDING = Path("examples/conversation.flac")
PATIENCE_SECONDS = 120.0
LOOK_AGAIN_SECONDS = 0.02
PERCENT = (50, 95)


def publish(client: httpx.Client) -> int:
    """Upload the recording and wait until it is published; returns the item's id."""
    files = {"audio": (RECORDING.name, RECORDING.read_bytes())}
    item_id: int = client.post("/api/datasets/1/items", files=files).raise_for_status().json()["item_id"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := client.get(f"/api/items/{item_id}").raise_for_status().json()["status"]) != "published":
        if status == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"item {item_id} is {status}")
        time.sleep(LOOK_AGAIN_SECONDS)
    return item_id


def finds(client: httpx.Client, word: str) -> bool:
    """Whether a search by words finds something; it does not while there is no index yet, either."""
    answer = client.post("/api/search", json={"query": word, "search_type": "text"})
    return answer.status_code == httpx.codes.OK and bool(answer.json()["results"])


def seconds_until_found(client: httpx.Client, word: str) -> float:
    """Search until the word is found; returns how long that took. Raises SystemExit where it takes too long."""
    started = time.perf_counter()
    while not finds(client, word):
        if time.perf_counter() - started > PATIENCE_SECONDS:
            raise SystemExit(f"{word!r} was not found in {PATIENCE_SECONDS:.0f} s")
        time.sleep(LOOK_AGAIN_SECONDS)
    return time.perf_counter() - started


def measure(client: httpx.Client, *, corrections: int, items: int) -> tuple[list[float], list[float]]:
    """Correct one segment after the other; returns the seconds until each is found, from the answer and from the request."""
    ids = [publish(client) for _ in range(items)]
    places = {
        item_id: len(client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"])
        for item_id in ids
    }
    from_answer, from_request = [], []
    for number in range(-1, corrections):
        item_id = ids[number % items]
        word, place = made_up(1_000 + number), number // items % places[item_id]
        asked = time.perf_counter()
        path = f"/api/items/{item_id}/transcript/segments/{place}"
        client.patch(path, json={"text": f"Well, {word} is what we said"}).raise_for_status()
        answered = time.perf_counter()
        found = seconds_until_found(client, word)
        if number >= 0:  # the first one waits for the index as a whole
            from_answer.append(found)
            from_request.append(answered - asked + found)
    return from_answer, from_request


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """The median, the time that all but one in twenty stay below, and the longest."""
    parts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {**{f"p{percent}": parts[percent - 1] for percent in PERCENT}, "max": max(seconds)}


def report(from_answer: Sequence[float], from_request: Sequence[float]) -> str:
    """The table, and the line of figures below it."""
    rows = {"answer": figures(from_answer), "request": figures(from_request)}
    lines = ["| seconds from the correction's | p50 | p95 | max |", "|---|---|---|---|"]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |")
    told = [f"from_{name}_{key}_s={value:.3f}" for name, row in rows.items() for key, value in row.items()]
    return "\n".join([*lines, f"corrections={len(from_answer)} " + " ".join(told)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corrections", type=int, default=50)
    parser.add_argument("--items", type=int, default=5)
    asked = parser.parse_args()
    url = os.environ.get("TESTS_OPENSEARCH_URL")
    if url is None:
        raise SystemExit("an OpenSearch is needed: python -m scripts.with_opensearch python -m bench.search_delay")
    with tempfile.TemporaryDirectory(prefix="echoic-bench-") as name:
        # Under root PostgreSQL runs as another account, to which the folder would be closed.
        Path(name).chmod(0o711)
        data = Path(name) / "data"
        data.mkdir()
        server = PrivateServer(data, ECHOIC_SEARCH_URL=url, **FAKE_ENGINES)
        try:
            measured = measure(server.client, corrections=asked.corrections, items=asked.items)
        finally:
            server.stop()
    print(report(*measured))


if __name__ == "__main__":
    main()
