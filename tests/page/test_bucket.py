"""Recordings in a bucket, which the page plays from there."""

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

pytestmark = pytest.mark.processes

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
    visit.context.close()
