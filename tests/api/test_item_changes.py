"""Changing and removing items: what stays, what goes, and who may."""

import httpx
import pytest
from sqlalchemy import func, select, table

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.runs import runs
from echoic.errors import StorageUnavailable
from echoic.intake.sweep import sweep
from tests.factories import Tenant, World, talk
from tests.stored import store

TABLES = ("items", "blobs", "pipeline_queue", "run_events", "transcripts", "segments", "search_entries")


async def stored_bytes(components: Components) -> int:
    return len([blob async for blob in components.blobs.list_older_than(0)])


async def left(components: Components) -> int:
    async with components.database.transaction() as session:
        counts = [await session.scalar(select(func.count()).select_from(table(name))) for name in TABLES]
    return sum(count or 0 for count in counts)


async def test_title_and_description_change_alone_or_together(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a"), title="Old", description="Kept")

    async def change(**fields: str | None) -> tuple[str, str | None]:
        answer = await client.patch(f"/api/items/{item_id}", headers=tenant.headers, json=fields)
        assert answer.status_code == 200
        seen = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
        assert seen == answer.json()
        return seen["title"], seen["description"]

    assert await change(title="  New ") == ("New", "Kept")
    assert await change(description="Other") == ("New", "Other")
    assert await change(description=None) == ("New", None)
    assert await change() == ("New", None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"title": " "}', "field_invalid"),
        (b'{"title": null}', "field_invalid"),
        (b'{"title": 5}', "field_invalid"),
        (b'{"titel": "x"}', "field_invalid"),
        (b'{"title": "a\\u0000b"}', "field_invalid"),
        (b'{"title": "%s"}' % (b"x" * 501), "title_too_long"),
        (b'{"description": "%s"}' % (b"x" * 20_001), "description_too_long"),
        (b'{"description": ""}', "metadata_required"),
        (b"[]", "json_not_object"),
        (b"{", "json_malformed"),
    ],
)
async def test_a_change_that_an_upload_could_not_make_is_refused(
    client: httpx.AsyncClient, world: World, body: bytes, code: str
) -> None:
    tenant = await world.tenant(require_metadata=True)
    item_id = await world.item(tenant.dataset_id, status="stored", title="Old", description="Kept")
    answer = await client.patch(f"/api/items/{item_id}", headers=tenant.headers, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    seen = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (seen["title"], seen["description"]) == ("Old", "Kept")


async def test_a_deleted_item_leaves_neither_rows_nor_bytes(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    audio, decoded = await store(components, b"audio"), await store(components, b"decoded")
    item_id = await world.item(tenant.dataset_id, talk("all of it"), decoded_blob_id=decoded)
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        placeholder, item.audio_blob_id = item.audio_blob_id, audio
        await session.flush()
        await items.delete_blob(session, placeholder)
    assert await stored_bytes(components) == 2
    answer = await client.delete(f"/api/items/{item_id}", headers=tenant.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await stored_bytes(components) == 0
    assert await left(components) == 0
    assert (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 404
    assert (await client.delete(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 404


async def test_the_work_on_a_deleted_item_ends(client: httpx.AsyncClient, world: World, components: Components) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="stored", audio_blob_id=await store(components, b"audio"))
    await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
    assert (await client.delete(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 204
    async with components.database.transaction() as session:
        assert await runs.get_run(session, run.id) is None


async def test_bytes_that_the_storage_keeps_are_found_by_the_sweep(
    client: httpx.AsyncClient, world: World, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="stored", audio_blob_id=await store(components, b"audio"))

    async def away(key: str) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(components.blobs, "delete", away)
        assert (await client.delete(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 204
    assert await stored_bytes(components) == 1
    assert await sweep(components.database, components.blobs, min_age_seconds=0) == 1
    assert await stored_bytes(components) == 0


@pytest.mark.parametrize(("role", "status"), [("editor", 204), ("viewer", 403), (None, 403)])
async def test_only_editors_change_and_remove_what_all_may_read(
    client: httpx.AsyncClient, world: World, role: libraries.Role | None, status: int
) -> None:
    owner, guest = await world.tenant(visibility="public"), await world.tenant()
    if role is not None:
        async with world.database.transaction() as session:
            await libraries.add_member(session, library_id=owner.library_id, account_id=guest.account_id, role=role)
    item_id = await world.item(owner.dataset_id, talk("a"), title="Old")
    changed = await client.patch(f"/api/items/{item_id}", headers=guest.headers, json={"title": "New"})
    assert changed.status_code == (200 if status == 204 else status)
    assert (await client.delete(f"/api/items/{item_id}", headers=guest.headers)).status_code == status


async def test_a_key_for_uploads_does_not_delete(client: httpx.AsyncClient, world: World) -> None:
    tenant: Tenant = await world.tenant(scopes=("read", "upload"))
    item_id = await world.item(tenant.dataset_id, status="stored")
    refused = await client.delete(f"/api/items/{item_id}", headers=tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
