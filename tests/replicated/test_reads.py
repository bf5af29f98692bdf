"""Reads by a streaming replica: never older than what anybody was told, and by the primary where the replica cannot."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from echoic.accounts.rate_limit import admit
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable
from echoic.testing.private_server import WITHOUT_WORKER, PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.items import item, upload
from tests.folders import passable_folder
from tests.replicated.pair import Pair
from tests.waiting import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

ROUNDS = 25
PATIENCE_SECONDS = 120.0


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


def figure(client: httpx.Client, name: str) -> float:
    """A figure of the metrics; 0 where there is none yet."""
    for line in client.get("/metrics").raise_for_status().text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def answered(client: httpx.Client, who: str) -> float:
    return figure(client, f'echoic_reads_total{{by="{who}"}}')


def replica_is(client: httpx.Client, state: str) -> Callable[[], bool]:
    return lambda: client.get("/health/ready").json()["checks"].get("replica") == state


@contextmanager
def halted_replay(pair: Pair) -> Iterator[None]:
    """The replica gets the primary's log but replays none of it until the block ends."""
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    paused = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
    wait_for(lambda: pair.standby.execute(paused) is True, "the replica replays nothing")
    try:
        yield
    finally:
        pair.standby.execute("SELECT pg_wal_replay_resume()")


def rename(client: httpx.Client, item_id: int, title: str) -> None:
    answer = client.patch(f"/api/items/{item_id}", json={"title": title})
    assert answer.status_code == 200, answer.text


def test_reads_go_to_the_replica_and_see_every_write_whichever_process_made_it(pair: Pair, folder: Path) -> None:
    given = {"ECHOIC_DATABASE_URL": pair.url, "ECHOIC_DATABASE_REPLICA_URL": pair.standby.url(), **FAKES}
    with PrivateServer(folder, **given) as server, passable_folder() as other_folder:
        client = server.client
        wait_for(replica_is(client, "ok"), "the replica is used", patience_seconds=PATIENCE_SECONDS)
        item_id = upload(client, RECORDING)
        wait_for(
            lambda: item(client, item_id)["status"] == "published",
            "the item is published",
            patience_seconds=PATIENCE_SECONDS,
        )
        # The key file lets the second server's client in: both work on one database.
        (other_folder / "api-key").write_text((folder / "api-key").read_text())
        with PrivateServer(other_folder, options=WITHOUT_WORKER, **given) as second:
            second.client.headers["Authorization"] = client.headers["Authorization"]
            wait_for(replica_is(second.client, "ok"), "it uses the replica, too", patience_seconds=PATIENCE_SECONDS)
            for number in range(ROUNDS):
                title = f"Title {number}"
                rename(client, item_id, title)
                assert item(second.client, item_id)["title"] == title
                assert [one["title"] for one in client.get("/api/items").json()["items"]] == [title]
            assert answered(second.client, "replica") > 0
        segments = client.get(f"/api/items/{item_id}/transcript").raise_for_status().json()["segments"]
        query = max(segments[0]["text"].split(), key=len)
        before = answered(client, "replica")
        found = client.post("/api/search", json={"query": query}).raise_for_status().json()["results"]
        assert item_id in {hit["item_id"] for hit in found}
        wait_for(lambda: answered(client, "replica") > before, "the replica answers searches")

        with halted_replay(pair):
            rename(client, item_id, "Not replayed")
            assert item(client, item_id)["title"] == "Not replayed"
            assert replica_is(client, "failing")()
            assert figure(client, "echoic_replica_usable") == 0
        wait_for(replica_is(client, "ok"), "the replica has caught up", patience_seconds=PATIENCE_SECONDS)

        pair.standby.kill()
        rename(client, item_id, "Alone")
        assert item(client, item_id)["title"] == "Alone"
        assert client.get("/health/ready").status_code == 200
        assert replica_is(client, "failing")()
        pair.standby.start()
        wait_for(replica_is(client, "ok"), "the replica is back", patience_seconds=PATIENCE_SECONDS)
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(_count_at(pair.standby.url()))


async def _count_at(url: str) -> None:
    """Count a request of an account at a server that may be a standby, which has no rows that are not logged."""
    database = Database(url, pool_size=1)
    try:
        await admit(database, 1, 60)
    finally:
        await database.close()


def test_a_replica_of_something_else_is_never_asked(pair: Pair, folder: Path) -> None:
    given = {"ECHOIC_DATABASE_URL": pair.url, "ECHOIC_DATABASE_REPLICA_URL": pair.primary.url(), **FAKES}
    with PrivateServer(folder, options=WITHOUT_WORKER, **given) as server:
        assert server.client.get("/api/items").json()["total"] == 0
        assert replica_is(server.client, "failing")()
        assert answered(server.client, "replica") == 0
