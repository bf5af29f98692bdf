"""Deadlines after which items are deleted, and legal holds, which beat deadlines and everybody who deletes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.errors import BlobNotFound
from echoic.intake.temporary import delete_expired, delete_temporary
from tests.api.people import Asking
from tests.factories import World, talk
from tests.stored import store

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def editor(world: World, ask: Asking) -> dict[str, str]:
    """The headers of somebody who may change the library's content."""
    guest = await world.tenant("Editor")
    async with world.database.transaction() as session:
        await libraries.add_member(
            session, library_id=ask.tenant.library_id, account_id=guest.account_id, role="editor"
        )
    return guest.headers


async def test_what_is_held_is_deleted_by_nobody_in_no_way(
    ask: Asking, world: World, client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    dataset = f"/api/datasets/{ask.tenant.dataset_id}"
    library = f"/api/libraries/{(await ask('GET', dataset))['library']}"
    held = await world.item(ask.tenant.dataset_id, talk("evidence"))
    free = await world.item(ask.tenant.dataset_id, talk("chatter"))
    for path in (f"/api/items/{held}", dataset):
        refused = await client.patch(path, headers=editor, json={"legal_hold": True})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await ask("PATCH", f"/api/items/{held}", json={"legal_hold": True}))["legal_hold"] is True
    for path in (f"/api/items/{held}", dataset, f"{library}?force=true"):
        assert (await ask("DELETE", path, 409))["code"] == "legal_hold", path
    some = await ask("POST", f"{dataset}/items/delete", json={"items": [held, free]})
    assert (some["done"], [each["code"] for each in some["refused"]]) == ([free], ["legal_hold"])
    # The dataset's hold is that of all its items; they do not leave it.
    await ask("PATCH", f"/api/items/{held}", json={"legal_hold": False})
    assert (await ask("PATCH", dataset, json={"legal_hold": True}))["legal_hold"] is True
    assert (await ask("GET", f"/api/items/{held}"))["legal_hold"] is True
    elsewhere = (await ask("POST", "/api/datasets", 201, json={"name": "Elsewhere"}))["id"]
    moved = await ask("POST", f"{dataset}/items/move", 409, json={"items": [held], "dataset_id": elsewhere})
    assert moved["code"] == "legal_hold"
    await ask("DELETE", f"/api/items/{held}", 409)
    await ask("PATCH", dataset, json={"legal_hold": False})
    deleted = await client.delete(f"/api/items/{held}", headers=editor)
    assert deleted.status_code == 204


async def test_items_go_with_their_bytes_at_their_deadline_unless_they_are_held(
    ask: Asking, world: World, components: Components, client: httpx.AsyncClient, editor: dict[str, str]
) -> None:
    dataset = f"/api/datasets/{ask.tenant.dataset_id}"
    old, held, lasting = [await world.item(ask.tenant.dataset_id, talk("old"), published_at=LONG_AGO) for _ in range(3)]
    at_work = await world.item(
        ask.tenant.dataset_id, talk("at work"), status="processing", published_at=LONG_AGO, expires_at=LONG_AGO
    )
    new = await world.item(ask.tenant.dataset_id, talk("new"), published_at=datetime.now(UTC))
    blob_id = await store(components, b"a recording")
    async with components.database.transaction() as session:
        item, blob = await items.get_item(session, old), await items.get_blob(session, blob_id)
        assert item is not None
        assert blob is not None
        await items.change_item(session, item, audio_blob_id=blob_id)
    await ask("PATCH", f"/api/items/{held}", json={"legal_hold": True})
    later = datetime.now(UTC) + timedelta(days=9)
    shown = await ask("PATCH", f"/api/items/{lasting}", json={"expires_at": later.isoformat()})
    assert datetime.fromisoformat(shown["expires_at"]) == later
    refused = await client.patch(dataset, headers=editor, json={"delete_after_days": 30})
    assert refused.status_code == 403
    assert await delete_expired(components.database, components.blobs) == 0
    assert (await ask("PATCH", dataset, json={"delete_after_days": 30}))["delete_after_days"] == 30
    assert (await ask("GET", f"/api/items/{old}"))["expires_at"] == "2020-01-31T00:00:00Z"
    assert await delete_expired(components.database, components.blobs) == 1
    with pytest.raises(BlobNotFound):
        await components.blobs.stat(blob.key)
    left = {each["id"] for each in (await ask("GET", "/api/items"))["items"]}
    assert left == {held, lasting, at_work, new}
    # Without a deadline of its own, it has the dataset's again.
    assert (await ask("PATCH", f"/api/items/{lasting}", json={"expires_at": None}))["expires_at"] is not None
    await ask("PATCH", f"/api/items/{held}", json={"legal_hold": False})
    assert await delete_expired(components.database, components.blobs) == 2
    async with components.database.transaction() as session:
        for item_id in (at_work, new):
            item = await items.get_item(session, item_id)
            assert item is not None
            await items.change_item(session, item, keep_seconds=0.0, legal_hold=True)
    assert await delete_temporary(components.database, components.blobs) == 0


async def test_a_reader_of_a_public_library_sees_the_deadline_and_no_hold(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = await world.tenant(visibility="public", legal_hold=True, delete_after_days=7)
    item_id = await world.item(owner.dataset_id, talk("open to all"), published_at=LONG_AGO)
    stranger = await world.tenant("Stranger")

    async def seen(headers: dict[str, str]) -> list[Any]:
        item = (await client.get(f"/api/items/{item_id}", headers=headers)).json()
        listed = (await client.get("/api/items", headers=headers)).json()["items"][0]
        dataset = (await client.get(f"/api/datasets/{owner.dataset_id}", headers=headers)).json()
        return [
            item["legal_hold"],
            listed["legal_hold"],
            dataset["legal_hold"],
            item["expires_at"],
            listed["expires_at"],
        ]

    deadline = ["2020-01-08T00:00:00Z"] * 2
    assert await seen(owner.headers) == [True, True, True, *deadline]
    assert await seen(stranger.headers) == [None, None, None, *deadline]
