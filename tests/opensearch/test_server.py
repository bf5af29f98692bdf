"""A whole server whose searches for words go to OpenSearch."""

from typing import Any

import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.folders import passable_folder
from tests.opensearch.copied import OPENSEARCH_URL, needs_opensearch
from tests.waiting import wait_for

pytestmark = [needs_opensearch, pytest.mark.processes]


def test_a_recording_is_found_in_opensearch_until_it_is_deleted(database_url: str) -> None:
    settings = {"ECHOIC_DATABASE_URL": database_url, "ECHOIC_SEARCH_URL": OPENSEARCH_URL or "", **FAKES}
    with passable_folder() as folder, PrivateServer(folder, **settings) as server:
        client = server.client
        item_id = upload(client, RECORDING)
        wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")
        segments = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"]
        query = max(segments[0]["text"].split(), key=len)

        def found() -> set[int]:
            answer: Any = client.post("/api/search", json={"query": query, "search_type": "text"})
            return {hit["item_id"] for hit in answer.json()["results"]} if answer.status_code == 200 else set()

        wait_for(lambda: item_id in found(), "OpenSearch finds the item")
        metrics = client.get("/metrics").text.splitlines()
        assert "echoic_search_copy_usable 1.0" in metrics
        assert "echoic_search_copy_behind_seconds 0.0" in metrics
        client.delete(f"/api/items/{item_id}").raise_for_status()
        assert found() == set()
