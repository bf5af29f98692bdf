"""A whole server on a PostgreSQL that somebody else runs, whether or not it has pgvector."""

from pathlib import Path

import psycopg
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.waiting import wait_for

pytestmark = pytest.mark.processes


def test_a_recording_becomes_searchable_on_a_postgres_of_the_users_own(open_folder: Path, database_url: str) -> None:
    with PrivateServer(open_folder, ECHOIC_DATABASE_URL=database_url, **FAKES) as server:
        client = server.client
        item_id = upload(client, RECORDING)
        wait_for(lambda: item(client, item_id)["status"] == "published", "the item is published")
        segments = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"]
        query = max(segments[0]["text"].split(), key=len)
        found = client.post("/api/search", json={"query": query}).raise_for_status().json()["results"]
        assert item_id in {hit["item_id"] for hit in found}
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id, status FROM items").fetchall() == [(item_id, "published")]
    assert not (open_folder / "postgres").exists(), "no server of Echoic's own was started"
