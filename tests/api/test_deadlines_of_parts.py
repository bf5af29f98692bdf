"""Deadlines for the audio alone and the transcript alone: what goes, what stays, and what says so."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.items import items, peaks
from echoic.db.receipts.signing import is_signed
from echoic.errors import BlobNotFound
from echoic.intake.sweep import sweep
from echoic.intake.temporary import delete_expired
from tests.api.mentions import name_in
from tests.api.people import ANNA, BERT, A, Asking, B, heard_item
from tests.api.published import publish_text
from tests.factories import World, segment, talk
from tests.stored import store

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SAID = "quagga"
RECORDING = b"a recording"
WORD_LISTS = frozenset({"search_words"})
"""Words that anybody said anywhere, by which slips are found; they refer to nothing."""


async def with_bytes(components: Components, item_id: int, **columns: object) -> str:
    """Give an item a recording in the storage; returns its key."""
    blob_id = await store(components, RECORDING)
    async with components.database.transaction() as session:
        item, blob = await items.get_item(session, item_id), await items.get_blob(session, blob_id)
        assert item is not None
        assert blob is not None
        await items.change_item(session, item, audio_blob_id=blob_id, **columns)
    return blob.key


async def expire(components: Components, item_id: int, **columns: object) -> int:
    """Let a deadline of an item be over, and look at deadlines; returns how much was removed."""
    async with components.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        await items.change_item(session, item, **columns)
    return await delete_expired(components.database, components.blobs)


async def sql(world: World, statement: str, **given: object) -> None:
    async with world.database.transaction() as session:
        await session.execute(text(statement), given)


async def places_of(world: World, word: str) -> set[str]:
    """Return the tables with a row that holds a word."""
    async with world.database.transaction() as session:
        tables = await session.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace")
        )
        return {
            table
            for table in tables.all()
            if await session.scalar(
                text(f'SELECT 1 FROM "{table}" AS row WHERE row::text ILIKE :word LIMIT 1'),  # noqa: S608 - of the catalog
                {"word": f"%{word}%"},
            )
        }


async def the_receipt(ask: Asking, item_id: int) -> dict[str, Any]:
    """Return the only receipt of an item, whose signatures are right."""
    (receipt,) = (await ask("GET", f"/api/deletions?item_id={item_id}"))["deletions"]
    assert is_signed(receipt["statement"], receipt["signature"], receipt["public_key"])
    return dict(receipt)


async def test_the_audio_goes_at_its_deadline_and_the_transcript_stays(
    ask: Asking, world: World, components: Components, client: httpx.AsyncClient
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk("margins are thin"), original_filename="talk.wav")
    key = await with_bytes(components, item_id)
    async with components.database.transaction() as session:
        await peaks.keep_peaks(session, item_id, b"\x81\x7f" * 2000)
    shared = await ask("POST", "/api/shares", 201, json={"item_id": item_id})
    page = shared["url"].removeprefix("http://echoic.test")
    assert "<audio" in (await client.get(page)).text
    path = f"/api/items/{item_id}"
    later = datetime.now(UTC) + timedelta(days=9)
    shown = await ask("PATCH", path, json={"audio_expires_at": later.isoformat()})
    assert (datetime.fromisoformat(shown["audio_expires_at"]), shown["audio_removed_at"]) == (later, None)
    assert await delete_expired(components.database, components.blobs) == 0
    assert await expire(components, item_id, audio_expires_at=LONG_AGO) == 1
    assert await expire(components, item_id) == 0
    with pytest.raises(BlobNotFound):
        await components.blobs.stat(key)
    for gone in (f"{path}/audio", f"{path}/peaks"):
        answer = await ask("GET", gone, 410)
        assert (answer["code"], answer["message"][:45]) == (
            "audio_removed",
            "The audio of this item was removed at its dea",
        )
    assert (await ask("POST", f"{path}/transcribe", 410, json={"again": True}))["code"] == "audio_removed"
    assert (await ask("GET", f"{path}/transcript"))["segments"][0]["text"] == "margins are thin"
    item = await ask("GET", path)
    assert (item["has_transcript"], item["transcript_removed_at"], item["size_bytes"]) == (True, None, len(RECORDING))
    assert item["audio_removed_at"] is not None
    seen = await client.get(page)
    assert (seen.status_code, "<audio" in seen.text, "margins" in seen.text) == (200, False, True)
    assert (await client.get(f"{page}/audio/0")).status_code == 404
    feed = await client.get(f"/api/datasets/{ask.tenant.dataset_id}/feed.xml", headers=ask.tenant.headers)
    assert (feed.status_code, "<enclosure" in feed.text) == (200, False)
    receipt = await the_receipt(ask, item_id)
    assert (receipt["removed"], receipt["reason"], receipt["objects"]) == ("audio", "deadline", 1)
    assert receipt["rows"] == {"item_peaks": 1}
    assert receipt["objects_removed_at"] is None
    # A row that says what was there keeps no bytes from being swept.
    assert await sweep(components.database, components.blobs, min_age_seconds=0) == 0
    await ask("DELETE", path, 204)
    (whole, _) = (await ask("GET", f"/api/deletions?item_id={item_id}"))["deletions"]
    assert (whole["removed"], whole["objects"]) == ("item", 0)


async def told_of(world: World, ask: Asking, item_id: int) -> None:
    """Let messages quote the item: one of an alert, and a digest that tells of another item, too."""
    hook = await ask("POST", "/api/webhooks", 201, json={"url": "https://93.184.215.14/hook"})
    quoted = {"item_id": item_id, "matches": [{"text": SAID}]}
    digest = {"data": {"alerts": [{"alert_id": 1, "items": [quoted, {"item_id": item_id + 1000, "matches": []}]}]}}
    for number, (kind, body) in enumerate((("alert.matched", {"data": quoted}), ("alert.digest", digest))):
        await sql(
            world,
            "INSERT INTO outbox_deliveries (id, account_id, webhook_id, type, body, state) "
            "VALUES (:id, :account, :hook, :kind, :body, 'delivered')",
            id=f"msg_{number:032}",
            account=ask.tenant.account_id,
            hook=hook["id"],
            kind=kind,
            body=json.dumps(body, separators=(",", ":")),
        )


async def test_no_copy_of_the_transcript_is_left_after_its_deadline(
    ask: Asking, world: World, components: Components, client: httpx.AsyncClient
) -> None:
    said = [segment(f"the {SAID} runs", speaker=A), segment("and gone", start=10.0, speaker=B)]
    item_id = await heard_item(world, components, ask.tenant, said, ANNA, BERT)
    key = await with_bytes(components, item_id)
    path = f"/api/items/{item_id}"
    await name_in(world, item_id, ("product", SAID.title(), 0))
    await ask.name(item_id, A, SAID.title())
    await ask("PATCH", f"{path}/transcript/segments/1", json={"text": f"and the {SAID} is gone"})
    async with components.database.transaction() as session:
        await publish_text(session, item_id, f"WEBVTT\n\n00:01.000 --> 00:02.000\n{SAID}\n")
    await told_of(world, ask, item_id)
    await sql(
        world,
        "INSERT INTO stage_results (run_id, stage, version, attempt, seconds, output) SELECT id, 'transcribe', 1, 1, 1, "
        "jsonb_build_object('said', CAST(:said AS text)) FROM pipeline_queue WHERE item_id = :item",
        said=SAID,
        item=item_id,
    )
    assert len(await places_of(world, SAID) - WORD_LISTS) >= 8
    people = f"/api/libraries/{(await ask('GET', f'/api/datasets/{ask.tenant.dataset_id}'))['library']}/speakers"
    (person,) = (await ask("GET", people))["speakers"]
    await ask("DELETE", f"{people}/{person['id']}", 204)  # the library's own, not the item's
    assert await expire(components, item_id, transcript_expires_at=LONG_AGO) == 1
    assert await places_of(world, SAID) <= WORD_LISTS
    async with components.database.transaction() as session:
        left = await session.scalar(text("SELECT body FROM outbox_deliveries WHERE type = 'alert.digest'"))
    assert [each["item_id"] for each in json.loads(left)["data"]["alerts"][0]["items"]] == [item_id + 1000]
    assert (await ask.vectors(), await components.blobs.stat(key)) == (0, len(RECORDING))
    for gone in ("transcript", "chapters"):
        answer = await client.get(f"{path}/{gone}", headers=ask.tenant.headers)
        assert (answer.status_code, answer.json()["code"]) == (410, "transcript_removed"), gone
    item = await ask("GET", path)
    assert (item["status"], item["has_transcript"], item["entities"]) == ("published", False, [])
    assert item["transcript_removed_at"] is not None
    assert (await ask("POST", "/api/search", json={"query": SAID}))["meta"]["total"] == 0
    assert (await client.get(f"{path}/audio", headers=ask.tenant.headers)).content == RECORDING
    receipt = await the_receipt(ask, item_id)
    assert (receipt["removed"], receipt["objects"], "item_peaks" in receipt["rows"]) == ("transcript", 0, False)
    assert receipt["rows"]["segments"] == 2
    assert {"entities", "voiceprints", "search_entries", "published_texts", "stage_results"} <= receipt["rows"].keys()
    # Nothing transcribes it again before an owner says that it may be there.
    refused = await ask("POST", f"{path}/transcribe", 410, json={"again": True})
    assert (refused["code"], "transcript_expires_at" in refused["message"]) == ("transcript_removed", True)
    await ask("PATCH", path, json={"transcript_expires_at": None})
    assert (await ask("POST", f"{path}/transcribe"))["stage"] is not None


@pytest.mark.parametrize("part", ["audio", "transcript"])
async def test_a_dataset_says_when_a_part_of_its_items_goes_and_a_hold_stops_it(
    part: str, ask: Asking, world: World, components: Components, client: httpx.AsyncClient
) -> None:
    dataset = f"/api/datasets/{ask.tenant.dataset_id}"
    old, held, lasting = [await world.item(ask.tenant.dataset_id, talk("old"), published_at=LONG_AGO) for _ in range(3)]
    at_work = await world.item(ask.tenant.dataset_id, talk("new"), published_at=LONG_AGO)
    await sql(world, "UPDATE pipeline_queue SET state = 'running' WHERE item_id = :item", item=at_work)
    await ask("PATCH", f"/api/items/{held}", json={"legal_hold": True})
    later = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    await ask("PATCH", f"/api/items/{lasting}", json={f"{part}_expires_at": later})
    days = f"delete_{part}_after_days"
    assert (await ask("PATCH", dataset, json={days: 30}))[days] == 30
    assert (await ask("GET", f"/api/items/{old}"))[f"{part}_expires_at"] == "2020-01-31T00:00:00Z"

    async def removed() -> set[int]:
        found = (await ask("GET", "/api/items"))["items"]
        return {each["id"] for each in found if each[f"{part}_removed_at"] is not None}

    assert await delete_expired(components.database, components.blobs) == 1
    assert await removed() == {old}
    await ask("PATCH", f"/api/items/{held}", json={"legal_hold": False})
    await ask("PATCH", dataset, json={"legal_hold": True})
    assert await delete_expired(components.database, components.blobs) == 0
    await ask("PATCH", dataset, json={"legal_hold": False})
    assert await delete_expired(components.database, components.blobs) == 1
    assert await removed() == {old, held}
    editor = await world.tenant("Stranger")
    answer = await client.patch(f"/api/items/{old}", headers=editor.headers, json={f"{part}_expires_at": None})
    assert answer.status_code == 404
