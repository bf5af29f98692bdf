"""An upload by URL, from the fetch to the item in the queue."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from echoic.access import Caller
from echoic.compose import Components, open_components
from echoic.db.items import items
from echoic.errors import IdempotencyKeyReused, NotAudio
from echoic.intake.accept import Accepted
from echoic.intake.egress import Egress
from echoic.intake.networks import AllowList
from echoic.intake.receive import JSON, Receiver, RequestHead
from echoic.settings import Settings
from tests.factories import World
from tests.sites import ScriptedResolver, SiteMaker

AUDIO = (Path(__file__).parents[2] / "examples" / "jfk.flac").read_bytes()


@pytest.fixture
async def components(database_url: str, tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(Settings(_env_file=None, data_dir=tmp_path), database_url) as opened:
        yield opened


@pytest.fixture
def receiver(components: Components, trusting: ssl.SSLContext) -> Receiver:
    egress = Egress(
        allowed=AllowList.parse(["127.0.0.0/8"]),
        resolve=ScriptedResolver(good_example=[["127.0.0.1"]]),
        ssl_context=trusting,
    )
    return Receiver(
        components.settings,
        blobs=components.blobs,
        admissions=components.intake.admissions,
        acceptor=components.intake.acceptor,
        egress=egress,
    )


class Uploading:
    """Somebody who uploads by URL."""

    def __init__(self, receiver: Receiver, *, account_id: int, dataset_id: int) -> None:
        self._receiver = receiver
        self._caller = Caller(account_id=account_id, key_id=1, plan="unlimited", scopes=frozenset({"upload"}))
        self._dataset_id = dataset_id

    async def __call__(self, text: str, *, key: str | None = None) -> Accepted:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": text.encode(), "more_body": False}

        head = RequestHead(content_type=JSON, key=key, request="r")
        return await self._receiver.receive(self._caller, self._dataset_id, head, receive)


@pytest.fixture
async def upload(components: Components, receiver: Receiver) -> Uploading:
    tenant = await World(components.database).tenant()
    return Uploading(receiver, account_id=tenant.account_id, dataset_id=tenant.dataset_id)


async def test_a_url_becomes_an_item_with_a_copy_of_its_bytes(
    components: Components, upload: Uploading, make_site: SiteMaker
) -> None:
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(AUDIO) + AUDIO)
    url = site.url("/talks/Inaugural%20address.flac?signature=1")
    accepted = await upload(f'{{"audio_url": "{url}"}}')
    assert accepted.message == "Audio fetched from URL and queued for transcription"
    async with components.database.transaction() as session:
        item = await items.get_item(session, accepted.item_id)
        assert item is not None
        blob = await items.get_blob(session, item.audio_blob_id)
    assert (item.title, item.status, item.source_url) == ("Inaugural address.flac", "queued", url)
    assert blob is not None
    assert await components.blobs.read_range(blob.key, 0, len(AUDIO)) == AUDIO


async def test_a_url_that_answers_no_audio_leaves_nothing(
    components: Components, upload: Uploading, make_site: SiteMaker
) -> None:
    page = b"<html>Sign in first</html>"
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    with pytest.raises(NotAudio):
        await upload(f'{{"audio_url": "{site.url("/a.flac")}"}}')
    assert [blob async for blob in components.blobs.list_older_than(0)] == []


async def test_a_url_request_that_comes_again_is_compared_and_fetches_nothing(
    upload: Uploading, make_site: SiteMaker
) -> None:
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(AUDIO) + AUDIO)
    asked = f'{{"audio_url": "{site.url("/talk.flac")}", "title": "Talk"}}'
    accepted = await upload(asked, key="k")
    assert not accepted.is_repeated
    first = await upload(asked, key="k")
    assert first.is_repeated
    assert (first.item_id, first.message) == (accepted.item_id, accepted.message)
    await upload(asked.replace(", ", " , "), key="k")
    for other in (asked.replace("Talk", "Other"), asked.replace("talk.flac", "walk.flac")):
        with pytest.raises(IdempotencyKeyReused):
            await upload(other, key="k")
    assert site.connections == 1
