"""Recordings in a bucket: the page plays them from there, and they outlast an outage of it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from echoic.testing.object_store import ObjectStore
from echoic.testing.private_server import PrivateServer
from tests.acceptance.conftest import FAKES
from tests.buckets import Bucket, make_bucket
from tests.folders import passable_folder
from tests.page.conftest import NAME, PASSWORD, Visit, published, signed_in
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

UPLOAD = "/api/datasets/1/items"
MANY = 3
OUTAGE_SEEN_SECONDS = 60.0
AUDIO = "document.querySelector('audio')"


@pytest.fixture(scope="module")
def bucket(object_store: ObjectStore) -> Bucket:
    return make_bucket(object_store)


@pytest.fixture(scope="module")
def server(bucket: Bucket) -> Iterator[PrivateServer]:
    given = {"ECHOIC_STORAGE_URL": bucket.url, **bucket.environment, **FAKES}
    with passable_folder() as folder, PrivateServer(folder, **given) as started:
        made = started.client.put("/api/account/sign-in", json={"sign_in_name": NAME, "password": PASSWORD})
        assert made.is_success, made.text
        yield started


def test_the_page_plays_from_the_bucket_and_may_ask_no_other_server(
    chromium: Browser, server: PrivateServer, bucket: Bucket, speech: Path
) -> None:
    item_id = published(server.client, speech)
    visit = Visit(chromium, str(server.client.base_url).rstrip("/"))
    page = visit.sign_in(signed_in(server))
    page.goto(f"/items/{item_id}")
    page.wait_for_function(f"() => {AUDIO} && {AUDIO}.readyState > 0")
    page.evaluate(f"{AUDIO}.play()")
    page.wait_for_function(f"() => {AUDIO}.currentTime > 0.5")
    assert {url.startswith(f"{bucket.endpoint}/{bucket.name}/some/prefix/") for url in visit.elsewhere} == {True}
    assert visit.complaints == []
    policy = server.client.get("/", headers={"Accept": "text/html"}).headers["Content-Security-Policy"]
    assert f"media-src 'self' blob: {bucket.endpoint};" in policy
    assert policy.count("http") == 1
    visit.close()


def test_work_waits_while_the_bucket_is_away_and_uploads_are_refused_by_name(
    server: PrivateServer, object_store: ObjectStore, speech: Path
) -> None:
    content = speech.read_bytes()
    files = {"audio": (speech.name, content)}
    accepted = [server.client.post(UPLOAD, files=files).raise_for_status().json()["item_id"] for _ in range(MANY)]
    total = server.client.get(UPLOAD).raise_for_status().json()["total"]
    object_store.kill()
    try:
        refused = server.client.post(UPLOAD, files=files)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert server.client.get("/health/ready").json()["checks"]["storage"] == "unavailable"
        wait_for_outage(server, accepted[-1])
    finally:
        object_store.start()
    wait_for(
        lambda: {item["status"] for item in shown(server, accepted)} == {"published"},
        "all are published",
        patience_seconds=120,
    )
    assert server.client.get(UPLOAD).raise_for_status().json()["total"] == total, "the refused upload became an item"
    for item_id in accepted:
        audio = server.client.get(f"/api/items/{item_id}/audio", follow_redirects=True).raise_for_status()
        assert audio.content == content


def shown(server: PrivateServer, item_ids: list[int]) -> list[dict[str, object]]:
    return [server.client.get(f"/api/items/{item_id}").raise_for_status().json() for item_id in item_ids]


def wait_for_outage(server: PrivateServer, item_id: int) -> None:
    """Wait until a stage of the item has begun, found no storage, and is to be tried again."""
    with server.client.stream("GET", f"/api/items/{item_id}/events", timeout=OUTAGE_SEEN_SECONDS) as events:
        deadline = time.monotonic() + OUTAGE_SEEN_SECONDS
        for line in events.iter_lines():
            if line.startswith("data:"):
                event = json.loads(line.removeprefix("data:"))
                if (event.get("event"), event.get("code")) == ("retry", "storage_unavailable"):
                    return
            assert time.monotonic() < deadline, "no stage met the outage"
    pytest.fail("the work ended before the outage")
