"""The primary is lost in the middle of the work and its standby takes over: server and worker go on by themselves."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from uuid import uuid4

import httpx
import psycopg
import pytest

from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES, RECORDING
from tests.folders import passable_folder
from tests.replicated.pair import Pair
from tests.waiting import wait_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

ENOUGH = 3
"""Uploads that are accepted before the primary is lost, and again after."""
PATIENCE_SECONDS = 150.0
ANSWER_SECONDS = 30.0


class Uploader:
    """Somebody who uploads one recording after the other, each until it is accepted."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._upload_all)
        self.accepted: list[int] = []
        self.refused = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _upload_all(self) -> None:
        while not self._stop.is_set():
            key = uuid4().hex
            while (item_id := self._upload(key)) is None and not self._stop.wait(0.2):
                self.refused += 1
            if item_id is not None:
                self.accepted.append(item_id)

    def _upload(self, key: str) -> int | None:
        """The item's id; None where the server could not take it, which is asked again under the same key."""
        files = {"audio": (RECORDING.name, RECORDING.read_bytes())}
        try:
            answer = self._client.post(
                "/api/datasets/1/items", files=files, headers={"Idempotency-Key": key}, timeout=ANSWER_SECONDS
            )
        except httpx.TimeoutException:
            return None
        if answer.status_code in (409, 503):  # 409: the first request under the key is still at work
            return None
        assert answer.status_code == 200, answer.text
        return int(answer.json()["item_id"])


@pytest.fixture
def folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


def test_a_primary_that_is_lost_costs_nothing_that_was_accepted(pair: Pair, folder: Path) -> None:
    pair.wait_for_each_other()
    with PrivateServer(folder, ECHOIC_DATABASE_URL=pair.url, **FAKES) as server:
        with Uploader(server.client) as uploader:
            wait_for(
                lambda: len(uploader.accepted) >= ENOUGH, "uploads are accepted", patience_seconds=PATIENCE_SECONDS
            )
            pair.primary.kill()
            assert pair.standby.execute("SELECT pg_promote(true, 60)") is True
            before = len(uploader.accepted)
            wait_for(
                lambda: len(uploader.accepted) >= before + ENOUGH,
                "uploads are accepted again",
                patience_seconds=PATIENCE_SECONDS,
            )

        def unfinished() -> set[int]:
            with psycopg.connect(pair.standby.url()) as connection:
                published = connection.execute("SELECT id FROM items WHERE status = 'published'").fetchall()
            return set(uploader.accepted) - {item_id for (item_id,) in published}

        wait_for(lambda: not unfinished(), "what was accepted is published", patience_seconds=PATIENCE_SECONDS)
        assert server.process.poll() is None
        ready = server.client.get("/health/ready").json()
        assert ready["status"] == "ready", ready
    with psycopg.connect(pair.standby.url()) as connection:
        items = [item_id for (item_id,) in connection.execute("SELECT id FROM items ORDER BY id")]
        repeated = connection.execute(
            "SELECT run.item_id, told.stage FROM run_events AS told JOIN pipeline_queue AS run ON run.id = told.run_id "
            "WHERE told.event = 'done' GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
    assert len(uploader.accepted) == len(set(uploader.accepted))
    # The last upload may have been given up between two of its attempts.
    assert set(uploader.accepted) <= set(items)
    assert len(items) <= len(uploader.accepted) + 1
    assert repeated == []
    assert "worker_died" not in server.log.read_text(encoding="utf-8")
