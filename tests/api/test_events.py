"""The stream of what happens to an item."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.api import events
from echoic.api.openapi import DocumentedApi
from echoic.db.runs import runs
from tests.api.listening import happen, listening, parse
from tests.factories import Tenant, World, talk


async def test_a_listener_is_told_every_transition_the_progress_and_the_end(app: DocumentedApi, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="processing", duration_seconds=60.0)
    async with listening(app, tenant, item_id) as listener:
        await listener.until("stage")
        await happen(world, item_id, event="claimed", stage="transcribe", attempt=1, progress_seconds=0.0)
        await listener.until("stage", "stage", "progress")
        await happen(world, item_id, progress_seconds=30.0)
        await listener.until("stage", "stage", "progress", "progress")
        await happen(world, item_id, event="done", state="succeeded", progress_seconds=None)
        received = await listener.until("stage", "stage", "progress", "progress", "stage", "end")
        async with asyncio.timeout(5):
            await listener.task
    first, claimed, _, half, done, end = received
    assert (first[1]["stage"], first[1]["event"]) == ("decode", "queued")
    assert {name: claimed[1][name] for name in ("stage", "event", "attempt", "code")} == {
        "stage": "transcribe",
        "event": "claimed",
        "attempt": 1,
        "code": None,
    }
    assert half == ("progress", {"stage": "transcribe", "seconds": 30.0, "duration_seconds": 60.0}, None)
    assert int(done[2] or 0) > int(claimed[2] or 0) > int(first[2] or 0)
    assert end[1] == {"status": "published", "on_hold": False, "error": None, "notices": []}


async def test_a_failure_is_told_with_its_code(app: DocumentedApi, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="processing")
    async with listening(app, tenant, item_id) as listener:
        await listener.until("stage")
        await happen(world, item_id, event="failed", state="failed")
        end = (await listener.until("stage", "stage", "end"))[-1][1]
    assert end == {
        "status": "failed",
        "on_hold": False,
        "error": {"code": "engine_failed", "stage": "decode", "message": None},
        "notices": [],
    }


async def test_a_listener_that_comes_back_hears_only_what_it_missed(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("over"))
    path = f"/api/items/{item_id}/events"
    everything = parse((await client.get(path, headers=tenant.headers)).text)
    assert [name for name, _, _ in everything] == ["stage", "end"]
    last = everything[0][2] or ""
    missed = await client.get(path, headers={**tenant.headers, "Last-Event-ID": last})
    assert [name for name, _, _ in parse(missed.text)] == ["end"]


@pytest.mark.parametrize("last", ["", "x", "-1", "²", "9" * 400])
async def test_a_last_event_nobody_sent_is_no_error(client: httpx.AsyncClient, world: World, last: str) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("over"))
    headers = [(b"Authorization", f"Bearer {tenant.key}".encode()), (b"Last-Event-ID", last.encode())]
    answer = await client.get(f"/api/items/{item_id}/events", headers=headers)
    assert answer.status_code == 200
    assert parse(answer.text)[-1][0] == "end"


async def test_those_who_are_no_members_see_a_published_item_without_the_work_that_goes_on(
    client: httpx.AsyncClient, app: DocumentedApi, world: World
) -> None:
    host, guest = await world.tenant(visibility="public"), await world.tenant()
    item_id = await world.item(host.dataset_id, talk("over"))
    path = f"/api/items/{item_id}"

    async def seen(tenant: Tenant) -> list[Any]:
        one = (await client.get(path, headers=tenant.headers)).json()
        (listed,) = (await client.get(f"/api/datasets/{host.dataset_id}/items", headers=tenant.headers)).json()["items"]
        named = ("status", "stage", "progress_seconds", "error")
        return [{name: item[name] for name in named} for item in (one, listed)]

    as_published = parse((await client.get(f"{path}/events", headers=guest.headers)).text)
    shown = await seen(guest)
    async with world.database.transaction() as session:
        await runs.create_run(session, item_id=item_id, stage="decode", priority=100, options={})
    await happen(world, item_id, event="claimed", stage="transcribe", state="running", attempt=1, progress_seconds=2.0)
    assert (await seen(host))[0]["progress_seconds"] == 2.0
    assert await seen(guest) == shown
    assert parse((await client.get(f"{path}/events", headers=guest.headers)).text) == as_published
    async with listening(app, host, item_id) as listener:
        await listener.until("stage", "stage", "progress")
    await happen(world, item_id, event="failed", state="failed")
    async with world.database.transaction() as session:
        await session.execute(text("UPDATE items SET status = 'published'"))  # as a run that fails leaves it
    assert (await seen(host))[0]["error"]["code"] == "engine_failed"
    assert await seen(guest) == shown
    assert parse((await client.get(f"{path}/events", headers=guest.headers)).text) == as_published


async def test_an_item_nothing_was_done_with_ends_at_once(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="stored")
    answer = await client.get(f"/api/items/{item_id}/events", headers=tenant.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert parse(answer.text) == [("end", {"status": "queued", "on_hold": True, "error": None, "notices": []}, None)]


async def test_a_stream_ends_when_its_client_goes_when_the_server_stops_and_when_the_item_goes(
    app: DocumentedApi, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="queued")
    async with listening(app, tenant, item_id) as leaver:
        await leaver.until("stage")
        leaver.leave()
        async with asyncio.timeout(5):
            await leaver.task
    async with listening(app, tenant, item_id) as listener:
        await listener.until("stage")
        async with world.database.transaction() as session:
            await session.execute(text("DELETE FROM items"))
        async with asyncio.timeout(5):
            await listener.task
    other = await world.item(tenant.dataset_id, status="queued")
    async with listening(app, tenant, other) as listener:
        await listener.until("stage")
        app.state.stopping.set()
        async with asyncio.timeout(5):
            await listener.task
        assert listener.status == 200


async def test_a_quiet_stream_is_kept_alive_and_ends_after_its_time(
    app: DocumentedApi, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(events, "MAX_STREAM_SECONDS", 0.7)
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="queued")
    async with listening(app, tenant, item_id) as listener, asyncio.timeout(5):
        await listener.task
    assert listener.sent.startswith("retry: 1000\n\n")
    assert listener.sent.endswith(": still here\n\n")
    assert [name for name, _, _ in parse(listener.sent)] == ["stage"]
