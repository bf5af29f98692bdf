"""Resumable uploads in a folder and in a bucket: what is kept of interrupted requests, and how an upload ends."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.compose import Components, open_components
from echoic.db.items import items
from echoic.db.items.items import Item
from echoic.db.uploads import uploads
from echoic.errors import DatabaseUnavailable
from echoic.intake import leases, resumable
from echoic.intake.sweep import sweep
from echoic.settings import Settings
from tests.api.tus import AUDIO, SlowBody, Tus, count, nothing_left, stored_sizes
from tests.buckets import Bucket
from tests.factories import World
from tests.waiting import until

HALF = len(AUDIO) // 2


both_stores = pytest.mark.parametrize("storage_url", ["folder", "bucket"], indirect=True)
"""For rules of what becomes of bytes; the others are the same wherever those lie."""


@pytest.fixture
def storage_url(request: pytest.FixtureRequest) -> str | None:
    if getattr(request, "param", "folder") == "folder":
        return None
    bucket = request.getfixturevalue("bucket")
    assert isinstance(bucket, Bucket)
    return bucket.url


@pytest.fixture
async def components(database_url: str, tmp_path: Path, storage_url: str | None) -> AsyncIterator[Components]:
    settings = Settings(_env_file=None, data_dir=tmp_path, storage_url=storage_url, upload_idle_timeout_seconds=30)
    async with open_components(settings, database_url) as opened:
        yield opened


@pytest.fixture
async def tus(client: httpx.AsyncClient, world: World) -> Tus:
    return Tus(client, await world.tenant())


async def assert_one_item(components: Components, tus: Tus, path: str) -> Item:
    """The upload has become the only item, its bytes are the only ones stored, and HEAD tells its id."""
    found = await tus.head(path)
    assert (found.status_code, found.headers["Upload-Offset"]) == (200, str(len(AUDIO)))
    async with components.database.transaction() as session:
        item = await items.get_item(session, int(found.headers["Item-Id"]))
        assert item is not None
        blob = await items.get_blob(session, item.audio_blob_id)
    assert blob is not None
    assert blob.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert await components.blobs.read_range(blob.key, 0, 2 * len(AUDIO)) == AUDIO
    await sweep(components.database, components.blobs, min_age_seconds=0)
    assert await stored_sizes(components) == [len(AUDIO)]
    assert [await count(components, name) for name in ("items", "procrastinate_jobs", "upload_parts")] == [1, 1, 0]
    return item


@both_stores
async def test_pieces_become_one_item(tus: Tus, components: Components) -> None:
    path = await tus.begin(title=" Inaugural ", description="1961", sha256=hashlib.sha256(AUDIO).hexdigest().upper())
    for start in range(0, len(AUDIO), 70_000):
        answer = await tus.patch(path, start, AUDIO[start : start + 70_000])
        assert answer.status_code == 204
    item = await assert_one_item(components, tus, path)
    assert answer.headers["Item-Id"] == str(item.id)
    assert (item.title, item.description, item.status, item.original_filename) == (
        "Inaugural",
        "1961",
        "queued",
        "jfk.flac",
    )
    repeated = await tus.patch(path, len(AUDIO), b"")
    assert (repeated.status_code, repeated.headers["Item-Id"]) == (204, str(item.id))
    metrics = (await tus.client.get("/metrics")).text
    assert 'echoic_uploads_total{result="accepted"} 1.0' in metrics
    assert f"echoic_upload_bytes_total {float(len(AUDIO))}" in metrics


async def test_a_whole_file_may_come_with_the_creation(tus: Tus, components: Components) -> None:
    answer = await tus.create(content=AUDIO)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(AUDIO)))
    item = await assert_one_item(components, tus, answer.headers["Location"])
    assert answer.headers["Item-Id"] == str(item.id)


async def test_first_bytes_may_come_with_the_creation(tus: Tus, components: Components) -> None:
    answer = await tus.create(content=AUDIO[:HALF])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(HALF))
    assert (await tus.patch(answer.headers["Location"], HALF, AUDIO[HALF:])).status_code == 204
    await assert_one_item(components, tus, answer.headers["Location"])


async def test_an_upload_of_unknown_length_ends_when_its_length_is_said(tus: Tus, components: Components) -> None:
    path = await tus.begin(None)
    assert "Item-Id" not in (await tus.patch(path, 0, AUDIO)).headers
    assert "Item-Id" in (await tus.patch(path, len(AUDIO), b"", Upload_Length=str(len(AUDIO)))).headers
    await assert_one_item(components, tus, path)


@both_stores
async def test_what_came_before_the_connection_broke_is_kept(app: Any, tus: Tus, components: Components) -> None:
    path = await tus.begin()
    broken = SlowBody(app, tus, path, 0)
    broken.send(AUDIO[:HALF])
    broken.break_off()
    await broken.status()
    assert await tus.offset(path) == HALF
    assert (await tus.patch(path, HALF, AUDIO[HALF:])).status_code == 204
    await assert_one_item(components, tus, path)


@both_stores
async def test_of_bytes_with_a_checksum_nothing_is_kept_when_the_connection_breaks(
    app: Any, tus: Tus, components: Components
) -> None:
    path = await tus.begin()
    broken = SlowBody(app, tus, path, 0, Upload_Checksum="sha1 AAAA")
    broken.send(AUDIO[:HALF])
    broken.break_off()
    await broken.status()
    assert await tus.offset(path) == 0
    assert await stored_sizes(components) == []


async def test_a_client_that_falls_silent_is_told_to_ask_and_what_came_is_kept(
    app: Any, tus: Tus, monkeypatch: pytest.MonkeyPatch, components: Components
) -> None:
    path = await tus.begin()
    monkeypatch.setattr(components.intake.resumable, "_idle_timeout_seconds", 0.2)
    silent = SlowBody(app, tus, path, 0)
    silent.send(AUDIO[:HALF])
    assert await silent.status() == 409
    assert await tus.offset(path) == HALF


@both_stores
async def test_a_killed_request_loses_at_most_the_part_it_was_filling(
    app: Any, tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "PART_BYTES", 40_000)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.2)
    path = await tus.begin()
    killed = SlowBody(app, tus, path, 0)
    for start in range(0, 180_000, 20_000):
        killed.send(AUDIO[start : start + 20_000])
    await killed.until_taken()
    assert await tus.offset(path) == 160_000
    killed.task.cancel()
    await asyncio.gather(killed.task, return_exceptions=True)
    assert await tus.offset(path) == 160_000
    assert (await tus.patch(path, 160_000, AUDIO[160_000:])).status_code == 204
    await assert_one_item(components, tus, path)


async def test_a_slow_upload_becomes_durable_in_the_meantime(
    app: Any, tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "PART_SECONDS", 0.0)
    path = await tus.begin()
    slow = SlowBody(app, tus, path, 0)
    slow.send(AUDIO[:1000])

    async def durable() -> bool:
        return await tus.offset(path) == 1000

    await until(durable, "the first bytes are durable")
    slow.send(AUDIO[1000:], last=True)
    assert await slow.status() == 204


async def test_two_requests_at_once_do_not_mix(app: Any, tus: Tus, components: Components) -> None:
    path = await tus.begin()
    first = SlowBody(app, tus, path, 0)
    first.send(AUDIO[:HALF])
    await first.until_taken()
    second = await tus.patch(path, 0, bytes(len(AUDIO)))
    assert (second.status_code, second.json()["code"]) == (423, "upload_locked")
    assert int(second.headers["Retry-After"]) > 0
    first.send(AUDIO[HALF:], last=True)
    assert await first.status() == 204
    await assert_one_item(components, tus, path)


async def test_a_connection_that_is_silent_gives_way_to_the_one_that_resumes(
    app: Any, tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.05)
    path = await tus.begin()
    dead = SlowBody(app, tus, path, 0)
    dead.send(AUDIO[:HALF])
    await dead.until_taken()
    assert await tus.offset(path) == 0

    async def resumed() -> bool:
        return (await tus.patch(path, await tus.offset(path), b"")).status_code == 204

    await until(resumed, "the dead connection has given way")
    assert await tus.offset(path) == HALF
    assert (await tus.patch(path, HALF, AUDIO[HALF:])).status_code == 204
    await assert_one_item(components, tus, path)


async def test_a_request_that_was_overtaken_can_write_nothing_any_more(
    app: Any, tus: Tus, components: Components
) -> None:
    path = await tus.begin()
    overtaken = SlowBody(app, tus, path, 0)
    overtaken.send(AUDIO[:HALF])
    await overtaken.until_taken()
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE uploads SET leased_until = now() - interval '1 second'"))
        new = await uploads.take_lease(session, path.rpartition("/")[2], lease=uuid.uuid4(), seconds=60)
    assert new is not None
    overtaken.send(b"", last=True)
    assert await overtaken.status() == 423
    assert await tus.offset(path) == 0
    assert await stored_sizes(components) == []


@both_stores
async def test_an_upload_that_is_no_audio_is_gone_with_its_bytes(tus: Tus, components: Components) -> None:
    content = b"Four score and seven years ago" * 100
    path = await tus.begin(len(content))
    await tus.patch(path, 0, content[:1000])
    answer = await tus.patch(path, 1000, content[1000:])
    assert (answer.status_code, answer.json()["code"]) == (415, "not_audio")
    assert (await tus.head(path)).status_code == 404
    assert await nothing_left(components)
    created = await tus.create(len(content), content=content)
    assert (created.status_code, created.json()["code"]) == (415, "not_audio")
    assert await nothing_left(components)


async def test_a_file_with_another_digest_than_said_is_refused(tus: Tus, components: Components) -> None:
    answer = await tus.create(content=AUDIO, sha256="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (400, "digest_mismatch")
    assert await nothing_left(components)


async def test_bytes_that_are_there_already_are_refused_on_demand(tus: Tus, components: Components) -> None:
    first = await tus.create(content=AUDIO)
    again = await tus.create(content=AUDIO, query="?on_duplicate=reject")
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_item")
    assert str(again.json()["item_id"]) == first.headers["Item-Id"]
    known = await tus.create(query="?on_duplicate=reject", sha256=hashlib.sha256(AUDIO).hexdigest())
    assert known.json() == again.json() | {"request_id": known.json()["request_id"]}, "no byte of it is needed"
    assert await count(components, "uploads") == 1
    assert await stored_sizes(components) == [len(AUDIO)]
    assert (await tus.create(content=AUDIO)).status_code == 201


@both_stores
async def test_an_outage_at_the_end_costs_no_bytes_and_head_ends_the_upload(
    tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(session: AsyncSession, item: Item, *, options: dict[str, Any]) -> None:
        raise DatabaseUnavailable

    path = await tus.begin()
    with monkeypatch.context() as outage:
        outage.setattr(components.runs, "start", away)
        answer = await tus.patch(path, 0, AUDIO)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert (await tus.head(path)).status_code == 503
        assert await count(components, "items") == 0
    # Of clients that ask at the same time, one ends it; the others see that or are told to wait.
    answers = await asyncio.gather(*(tus.head(path) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {200, 423}
    await assert_one_item(components, tus, path)


@pytest.mark.parametrize("was_committed", [True, False])
async def test_an_empty_piece_ends_an_upload_whose_commit_was_uncertain(
    tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch, *, was_committed: bool
) -> None:
    finish = uploads.finish_upload

    async def break_off(session: AsyncSession, *given: Any, **named: Any) -> bool:
        await finish(session, *given, **named)
        if was_committed:
            await session.commit()
        raise DatabaseUnavailable

    path = await tus.begin()
    with monkeypatch.context() as outage:
        outage.setattr(uploads, "finish_upload", break_off)
        assert (await tus.patch(path, 0, AUDIO)).status_code == 503
    answer = await tus.patch(path, len(AUDIO), b"")
    assert answer.status_code == 204
    item = await assert_one_item(components, tus, path)
    assert answer.headers["Item-Id"] == str(item.id)


@both_stores
async def test_an_upload_can_be_given_up_also_while_bytes_come_in(app: Any, tus: Tus, components: Components) -> None:
    path = await tus.begin()
    await tus.patch(path, 0, AUDIO[:1000])
    late = SlowBody(app, tus, path, 1000)
    late.send(AUDIO[1000:HALF])
    await late.until_taken()
    assert (await tus.ask("DELETE", path, {})).status_code == 204
    late.send(AUDIO[HALF:], last=True)
    assert await late.status() in (404, 423)
    assert (await tus.head(path)).status_code == 404
    assert (await tus.ask("DELETE", path, {})).status_code == 404
    assert await nothing_left(components)


async def test_giving_up_what_has_become_an_item_leaves_the_item(tus: Tus, components: Components) -> None:
    created = await tus.create(content=AUDIO)
    assert (await tus.ask("DELETE", created.headers["Location"], {})).status_code == 204
    item = await tus.client.get(f"/api/items/{created.headers['Item-Id']}", headers=tus.tenant.headers)
    assert item.status_code == 200
    assert await stored_sizes(components) == [len(AUDIO)]


@both_stores
async def test_expired_uploads_are_swept_with_their_bytes_and_living_ones_keep_theirs(
    app: Any, tus: Tus, components: Components
) -> None:
    expired, living, busy = await tus.begin(), await tus.begin(), await tus.begin()
    for path, size in ((expired, 1000), (living, 2000), (busy, 3000)):
        await tus.patch(path, 0, AUDIO[:size])
    at_work = SlowBody(app, tus, busy, 3000)
    at_work.send(AUDIO[3000:HALF])
    await at_work.until_taken()
    async with components.database.transaction() as session:
        await session.execute(
            text("UPDATE uploads SET expires_at = now() - interval '1 second' WHERE offset_bytes <> 2000")
        )
    assert (await tus.patch(expired, 1000, AUDIO[1000:])).status_code == 404
    await sweep(components.database, components.blobs, min_age_seconds=0)
    assert await stored_sizes(components) == [2000, 3000]
    at_work.send(AUDIO[HALF:], last=True)
    assert await at_work.status() == 204
    assert await tus.offset(living) == 2000


async def test_a_deleted_dataset_takes_its_uploads_along(tus: Tus, components: Components) -> None:
    path = await tus.begin()
    await tus.patch(path, 0, AUDIO[:HALF])
    dataset = f"/api/datasets/{tus.tenant.dataset_id}"
    assert (await tus.client.delete(dataset, headers=tus.tenant.headers)).status_code == 204
    assert (await tus.patch(path, HALF, AUDIO[HALF:])).status_code == 404
    await sweep(components.database, components.blobs, min_age_seconds=0)
    assert await nothing_left(components)


async def test_an_item_that_is_deleted_takes_the_memory_of_its_upload_along(tus: Tus, components: Components) -> None:
    created = await tus.create(content=AUDIO)
    item = f"/api/items/{created.headers['Item-Id']}"
    assert (await tus.client.delete(item, headers=tus.tenant.headers)).is_success
    assert (await tus.head(created.headers["Location"])).status_code == 404


async def test_an_upload_in_countless_pieces_is_stopped(
    tus: Tus, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "MAX_PARTS", 2)
    path = await tus.begin()
    statuses = [(await tus.patch(path, offset, AUDIO[offset : offset + 1])).status_code for offset in range(3)]
    assert statuses == [204, 204, 413]
