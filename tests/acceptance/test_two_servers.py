"""What one of several servers knows, the others know: checks of the benchmark, and one server that goes away amid its work."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from bench.cluster.across import (
    CONTENT,
    PATIENCE_SECONDS,
    appending,
    assert_whole,
    begin_upload,
    check_events,
    check_key,
    check_lease,
    check_rate,
    check_upload,
    offset_of,
)
from echoic.postgres import ROLE
from echoic.testing.object_store import ObjectStore
from tests.acceptance.conftest import FAKES, RECORDING
from tests.acceptance.held_workers import HeldWorkers
from tests.acceptance.items import item, upload
from tests.acceptance.two_servers import TwoServers, two_servers
from tests.api.listening import Received, parse
from tests.buckets import make_bucket
from tests.conftest import as_role
from tests.databases import Databases
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

Both = tuple[httpx.Client, httpx.Client]

HELD = "transcribe"
"""A stage in the middle of a run."""


@pytest.fixture(scope="module")
def shared_url(databases: Databases) -> Iterator[str]:
    name = databases.take()
    yield as_role(databases.url(name), ROLE)
    databases.give_back(name, changed=False)


@pytest.fixture(scope="module")
def started(shared_url: str, object_store: ObjectStore) -> Iterator[tuple[TwoServers, HeldWorkers]]:
    bucket = make_bucket(object_store)
    shared = {"ECHOIC_DATABASE_URL": shared_url, "ECHOIC_STORAGE_URL": bucket.url, **bucket.environment, **FAKES}
    with two_servers(shared) as running:
        yield running


@pytest.fixture
def servers(started: tuple[TwoServers, HeldWorkers]) -> TwoServers:
    return started[0]


@pytest.fixture
def workers(started: tuple[TwoServers, HeldWorkers]) -> HeldWorkers:
    return started[1]


@pytest.fixture
def both(servers: TwoServers) -> Iterator[Both]:
    with servers.clients() as clients:
        yield clients


def test_one_idempotency_key_at_both_servers_at_once_makes_one_item(both: Both) -> None:
    check_key(both)


def test_while_one_server_takes_a_piece_of_an_upload_the_other_takes_none(both: Both) -> None:
    check_lease(both)


def test_an_upload_whose_pieces_go_to_both_servers_arrives_byte_for_byte(both: Both) -> None:
    check_upload(both)


def test_a_server_tells_of_what_another_one_took(both: Both) -> None:
    check_events(both)


def test_the_requests_of_a_minute_are_counted_by_both_servers_together(both: Both) -> None:
    check_rate(both)


def followed(client: httpx.Client, item_id: int, *, after: str | None = None) -> Iterator[Received]:
    """Yield the events of an item as they come."""
    headers = {} if after is None else {"Last-Event-ID": after}
    with client.stream("GET", f"/api/items/{item_id}/events", headers=headers) as stream:
        block = ""
        for line in stream.raise_for_status().iter_lines():
            block += f"{line}\n"
            if not line:
                yield from parse(block)
                block = ""


def all_done(client: httpx.Client) -> bool:
    listed = client.get("/api/items", params={"limit": 100}).raise_for_status().json()["items"]
    return not {"queued", "processing"} & {one["status"] for one in listed}


def stages(events: list[Received]) -> list[Received]:
    """Those of the events that have a number; progress has none."""
    return [event for event in events if event[0] == "stage"]


def test_a_stream_whose_server_is_stopped_goes_on_at_the_other_without_a_lost_or_repeated_event(
    servers: TwoServers, workers: HeldWorkers, both: Both
) -> None:
    first, second = both
    wait_for(lambda: all_done(second), "nothing of the tests before is left, so that the worker holds this run")
    workers.hold(HELD)
    try:
        item_id = upload(first, RECORDING)
        following = followed(first, item_id)
        before = []
        for event in following:
            before.append(event)
            if (event[1].get("stage"), event[1].get("event")) == (HELD, "claimed"):
                break
        servers.servers[0].stop()
        before += following
        assert item(second, item_id)["status"] == "processing"
    finally:
        workers.release()
    assert "end" not in {name for name, _, _ in before}
    last_id = stages(before)[-1][2]
    after = list(followed(second, item_id, after=last_id))
    whole = list(followed(second, item_id))
    assert stages(before) + stages(after) == stages(whole)
    assert (after[-1][0], after[-1][1]["status"]) == ("end", "published")


def lease_on(url: str, path: str) -> object:
    """The token of the request that holds an upload; None where none does."""
    with psycopg.connect(url) as connection:
        query = "SELECT lease FROM uploads WHERE id = %s"
        found = connection.execute(query, [path.rpartition("/")[2]]).fetchone()
    assert found is not None
    return found[0]


def test_an_upload_whose_server_is_killed_amid_a_piece_goes_on_at_the_other(
    servers: TwoServers, both: Both, shared_url: str
) -> None:
    first, second = both
    path = begin_upload(first)
    half = len(CONTENT) // 2
    first.patch(path, headers=appending(0), content=CONTENT[:half]).raise_for_status()
    over = threading.Event()

    def halting() -> Iterator[bytes]:
        yield CONTENT[half:-1]
        over.wait(PATIENCE_SECONDS)
        yield CONTENT[-1:]

    with ThreadPoolExecutor(1) as pool:
        headers = {**appending(half), "Content-Length": str(len(CONTENT) - half)}
        piece = pool.submit(first.patch, path, headers=headers, content=halting())
        try:
            wait_for(lambda: lease_on(shared_url, path) is not None, "the first server takes the piece")
            held = lease_on(shared_url, path)
            servers.servers[0].kill()
        finally:
            over.set()
        with pytest.raises(httpx.TransportError):
            piece.result()
    assert held is not None
    assert lease_on(shared_url, path) == held, "nobody gave it back"
    assert offset_of(second, path) == half
    answers = []

    def taken() -> bool:
        answers.append(second.patch(path, headers=appending(half), content=CONTENT[half:]))
        assert answers[-1].status_code in (204, 423), answers[-1].text
        return answers[-1].is_success

    wait_for(taken, "the lease of the server that is no more ends", patience_seconds=PATIENCE_SECONDS)
    assert_whole(second, int(answers[-1].headers["item-id"]))
