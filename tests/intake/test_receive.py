"""An upload by URL, from the fetch to the item in the queue."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from echoic.compose import Components, open_components
from echoic.db.items import items
from echoic.errors import IdempotencyKeyReused, NotAudio
from echoic.intake.body import Body, file_cap, json_cap
from echoic.intake.egress import Egress
from echoic.intake.idempotency import Claim, FirstAnswer, claim_key, compare_url
from echoic.intake.networks import AllowList
from echoic.intake.quota import Payer
from echoic.intake.receive import Receiver
from echoic.intake.target import UploadTarget
from echoic.plans import Plan
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
    return Receiver(components.settings, blobs=components.blobs, acceptor=components.acceptor, egress=egress)


def body(text: str) -> Body:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": text.encode(), "more_body": False}

    return Body(receive, cap=json_cap(), idle_timeout_seconds=5)


async def target(components: Components) -> UploadTarget:
    tenant = await World(components.database).tenant()
    return UploadTarget(
        dataset_id=tenant.dataset_id,
        payer=Payer(account_id=tenant.account_id, plan=Plan(name="unlimited")),
        cap=file_cap(1_000_000),
        allowed_formats=("flac",),
        require_metadata=False,
        auto_transcribe=True,
    )


async def test_a_url_becomes_an_item_with_a_copy_of_its_bytes(
    components: Components, receiver: Receiver, make_site: SiteMaker
) -> None:
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(AUDIO) + AUDIO)
    url = site.url("/talks/Inaugural%20address.flac?signature=1")
    accepted = await receiver.receive_url(await target(components), body(f'{{"audio_url": "{url}"}}'))
    assert accepted.message == "Audio fetched from URL and queued for transcription"
    async with components.database.transaction() as session:
        item = await items.get_item(session, accepted.item_id)
        assert item is not None
        blob = await items.get_blob(session, item.audio_blob_id)
    assert (item.title, item.status, item.source_url) == ("Inaugural address.flac", "queued", url)
    assert blob is not None
    assert await components.blobs.read_range(blob.key, 0, len(AUDIO)) == AUDIO


async def test_a_url_that_answers_no_audio_leaves_nothing(
    components: Components, receiver: Receiver, make_site: SiteMaker
) -> None:
    page = b"<html>Sign in first</html>"
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    with pytest.raises(NotAudio):
        await receiver.receive_url(await target(components), body(f'{{"audio_url": "{site.url("/a.flac")}"}}'))
    assert [blob async for blob in components.blobs.list_older_than(0)] == []


async def test_a_url_request_that_comes_again_is_compared_and_fetches_nothing(
    components: Components, receiver: Receiver, make_site: SiteMaker
) -> None:
    site = await make_site(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(AUDIO) + AUDIO)
    wanted = await target(components)

    async def claimed() -> Claim | FirstAnswer:
        account_id = wanted.payer.account_id
        async with components.database.transaction() as session:
            return await claim_key(session, components.database, account_id=account_id, key="k", request="r")

    claim = await claimed()
    assert isinstance(claim, Claim)
    asked = f'{{"audio_url": "{site.url("/talk.flac")}", "title": "Talk"}}'
    async with claim:
        accepted = await receiver.receive_url(wanted, body(asked), claim=claim)
    first = await claimed()
    assert isinstance(first, FirstAnswer)
    assert (first.item_id, first.message) == (accepted.item_id, accepted.message)
    await compare_url(first, body(asked.replace(", ", " , ")))
    for other in (asked.replace("Talk", "Other"), asked.replace("talk.flac", "walk.flac")):
        with pytest.raises(IdempotencyKeyReused):
            await compare_url(first, body(other))
    assert site.connections == 1
