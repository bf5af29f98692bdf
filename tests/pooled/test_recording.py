"""A whole server and its worker behind a pgbouncer, where sessions of the database change with each transaction."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.waiting import wait_for

pytestmark = pytest.mark.processes


def names_of(lines: Iterator[str], item_id: int) -> Iterator[str]:
    """Yield the states that a stream of events tells of an item."""
    for line in lines:
        if line.startswith("data: ") and (told := json.loads(line.removeprefix("data: "))).get("id") == item_id:
            yield told["status"]


def test_a_recording_is_transcribed_told_of_and_found(
    open_folder: Path,
    database_url: str,
    direct_url: str,
) -> None:
    given = {"ECHOIC_DATABASE_URL": database_url, "ECHOIC_DATABASE_DIRECT_URL": direct_url, **FAKES}
    with PrivateServer(open_folder, **given) as server:
        client = server.client
        with client.stream("GET", "/api/events", timeout=httpx.Timeout(60)) as events:
            lines = events.iter_lines()
            assert next(lines)
            item_id = upload(client, RECORDING)
            assert "published" in names_of(lines, item_id)
        wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")
        segments = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"]
        query = max(segments[0]["text"].split(), key=len)
        for _ in range(20):  # often enough for statements to be prepared, if they were
            found = client.post("/api/search", json={"query": query}).raise_for_status().json()["results"]
            assert item_id in {hit["item_id"] for hit in found}
        edited = client.patch(f"/api/items/{item_id}/transcript/segments/0", json={"text": "Corrected beyond doubt."})
        assert edited.status_code == 200, edited.text
        ready = client.get("/health/ready").json()
    assert ready["status"] == "ready"
    log = (open_folder / "log").read_text(encoding="utf-8")
    assert "database_pooled" not in log
    assert "prepared statement" not in log
