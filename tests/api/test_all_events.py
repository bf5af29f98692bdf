"""The one stream of all that somebody may see."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.access import Caller
from echoic.api import all_events, live
from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.accounts import accounts
from echoic.db.runs import runs
from tests.api.browser import NAME, PASSWORD
from tests.api.listening import Listener, Received, happen, listening, parse, streaming
from tests.factories import Tenant, World, talk

PATIENCE_SECONDS = 10
CALLER = Caller(account_id=1, key_id=1, plan="unlimited", scopes=frozenset({"read"}))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gather no longer than the tests need."""
    monkeypatch.setattr(live, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr(live, "RECONNECT_SECONDS", 0.05)


async def heard(listener: Listener, name: str, **fields: Any) -> Received:
    """Wait for an event of this name with these values."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for one in parse(listener.sent):
                if one[0] == name and fields.items() <= one[1].items():
                    return one
            await listener.more()


async def test_a_listener_is_told_of_new_items_their_work_and_their_end(app: DocumentedApi, world: World) -> None:
    tenant = await world.tenant()
    async with listening(app, tenant) as listener:
        await listener.until("look")
        item_id = await world.item(tenant.dataset_id, status="processing", duration_seconds=60.0, title="Talk")
        _, new, _ = await heard(listener, "item", id=item_id)
        assert (new["title"], new["status"], new["dataset_id"]) == ("Talk", "processing", tenant.dataset_id)
        await happen(world, item_id, event="claimed", stage="transcribe", progress_seconds=30.0)
        await heard(listener, "item", id=item_id, stage="transcribe", progress_seconds=30.0)
        await happen(world, item_id, event="failed", state="failed")
        _, failed, _ = await heard(listener, "item", status="failed")
        assert failed["error"]["code"] == "engine_failed"


async def test_a_listener_is_told_of_a_correction(app: DocumentedApi, client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("said"))
    async with listening(app, tenant) as listener:
        await listener.until("look")
        change = {"text": "written"}
        answer = await client.patch(f"/api/items/{item_id}/transcript/segments/0", json=change, headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        await heard(listener, "item", id=item_id)


async def test_a_listener_is_told_what_was_deleted_and_what_moved(
    app: DocumentedApi, client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("over"))
    async with listening(app, tenant) as listener:
        await listener.until("look")
        assert (await client.delete(f"/api/items/{item_id}", headers=tenant.headers)).status_code == 204
        await heard(listener, "gone", id=item_id, dataset_id=tenant.dataset_id)


async def test_of_other_libraries_only_what_is_published_in_public_is_heard(app: DocumentedApi, world: World) -> None:
    listener_account = await world.tenant()
    private, public = await world.tenant(), await world.tenant(visibility="public")
    async with listening(app, listener_account) as listener:
        await listener.until("look")
        await world.item(private.dataset_id, talk("secret"))
        unpublished = await world.item(public.dataset_id, status="processing")
        published = await world.item(public.dataset_id, talk("open"))
        await heard(listener, "item", id=published)
        async with world.database.transaction() as session:
            await runs.create_run(session, item_id=published, stage="decode", priority=100, options={})
        await happen(world, published, event="claimed", stage="transcribe", state="running", progress_seconds=2.0)
        own = await world.item(listener_account.dataset_id, talk("own"))
        await heard(listener, "item", id=own)
        told = [data["id"] for name, data, _ in parse(listener.sent) if name == "item"]
    assert set(told) == {published, own}
    assert unpublished not in told
    assert {data["stage"] for name, data, _ in parse(listener.sent) if name == "item"} == {None}


async def test_whoever_leaves_a_library_looks_again_and_hears_no_more_of_it(app: DocumentedApi, world: World) -> None:
    host, guest = await world.tenant(), await world.tenant()
    async with world.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO library_members (library_id, account_id, role) "
                "SELECT library_id, :account, 'viewer' FROM datasets WHERE id = :dataset"
            ),
            {"account": guest.account_id, "dataset": host.dataset_id},
        )
    async with listening(app, guest) as listener:
        await listener.until("look")
        first = await world.item(host.dataset_id, status="queued")
        await heard(listener, "item", id=first)
        async with world.database.transaction() as session:
            members = "DELETE FROM library_members WHERE account_id = :account AND role = 'viewer'"
            await session.execute(text(members), {"account": guest.account_id})
        await listener.until("look", "item", "look")
        second = await world.item(host.dataset_id, status="queued")
        await happen(world, first, event="claimed", state="running")
        own = await world.item(guest.dataset_id, status="queued")
        await heard(listener, "item", id=own)
    assert [data.get("id") for _, data, _ in parse(listener.sent)] == [None, first, None, own]
    assert second not in {first, own}


async def test_a_key_or_session_that_ends_hears_nothing_more(
    app: DocumentedApi, page: httpx.AsyncClient, ada: Tenant, world: World
) -> None:
    signed_in = await page.post("/api/sign-in", json={"name": NAME, "password": PASSWORD})
    ((name, token),) = signed_in.cookies.items()
    headers = {"cookie": f"{name}={token}", "host": page.base_url.netloc.decode()}
    async with (
        streaming(app, "/api/events", headers) as by_session,
        listening(app, ada) as by_key,
    ):
        await by_session.until("look")
        await by_key.until("look")
        await page.post("/api/sign-out")
        async with world.database.transaction() as session:
            (keys, _) = await accounts.list_keys(session, ada.account_id, limit=1, offset=0)
            await accounts.revoke_key(session, account_id=ada.account_id, key_id=keys[0].id)
        await world.item(ada.dataset_id, status="queued")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await by_session.task
            await by_key.task
    assert [name for one in (by_session, by_key) for name, _, _ in parse(one.sent)] == ["look", "look"]


async def test_somebody_whom_a_proxy_names_hears_until_the_account_is_locked(
    components: Components, world: World
) -> None:
    tenant = await world.tenant()
    named = Caller(account_id=tenant.account_id, key_id=None, plan="unlimited", scopes=frozenset({"read"}))
    following = live.Live(components)
    listener = following.join(named, "http://echoic.test")
    assert await listener.take(wait_seconds=PATIENCE_SECONDS) == live.LOOK
    await world.item(tenant.dataset_id, status="queued")
    assert b"event: item" in await listener.take(wait_seconds=PATIENCE_SECONDS)
    async with components.database.transaction() as session:
        await session.execute(text("UPDATE accounts SET locked_at = now() WHERE id = :id"), {"id": tenant.account_id})
    await world.item(tenant.dataset_id, status="queued")
    assert await listener.take(wait_seconds=PATIENCE_SECONDS) == b""
    assert listener.ended
    following.leave(listener)


async def test_what_cannot_be_told_one_by_one_is_a_look_at_everything(
    app: DocumentedApi, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_ITEMS", 2)
    tenant = await world.tenant()
    async with listening(app, tenant) as listener:
        await listener.until("look")
        for _ in range(3):
            await world.item(tenant.dataset_id, status="queued")
        async with world.database.transaction() as session:
            await session.execute(text("UPDATE items SET title = 'Another'"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while parse(listener.sent)[-1][0] != "look" or len(parse(listener.sent)) < 2:
                await listener.more()


async def test_a_listener_that_takes_nothing_keeps_a_bounded_number_of_messages() -> None:
    listener = live.Listener(CALLER, "http://echoic.test")
    for number in range(live.MAX_WAITING):
        listener.tell(str(number), b"x")
        listener.tell("0", b"x")
    assert await listener.take(wait_seconds=0.1) == b"x" * live.MAX_WAITING
    for number in range(live.MAX_WAITING + 1):
        listener.tell(str(number), b"x")
    assert await listener.take(wait_seconds=0.1) == live.LOOK


async def test_a_lost_connection_to_the_database_is_a_look_at_everything(app: DocumentedApi, world: World) -> None:
    tenant = await world.tenant()
    async with listening(app, tenant) as listener:
        await listener.until("look")
        async with world.database.transaction() as session:
            await session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN echoic%'")
            )
        await listener.until("look", "look")
        item_id = await world.item(tenant.dataset_id, status="queued")
        await heard(listener, "item", id=item_id)


async def test_a_quiet_stream_is_kept_alive_and_ends_after_its_time(
    app: DocumentedApi, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_events, "ALIVE_SECONDS", 0.0)
    monkeypatch.setattr(all_events, "STEP_SECONDS", 0.1)
    monkeypatch.setattr(all_events, "MAX_STREAM_SECONDS", 2.0)
    tenant = await world.tenant()
    async with listening(app, tenant) as listener, asyncio.timeout(PATIENCE_SECONDS):
        await listener.task
    assert {name for name, _, _ in parse(listener.sent)} == {"look", "alive"}
    assert app.state.live.connected is False
