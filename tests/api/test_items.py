"""Items as the API shows them, and who may see and change them."""

import asyncio
from datetime import UTC, datetime
from typing import get_args

import httpx
import pytest
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.db.items.items import ItemStatus
from echoic.db.runs import runs
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import FoundMention
from tests.factories import Tenant, World, talk

ABSENT = 987_654_321


async def join(world: World, guest: Tenant, host: Tenant, role: libraries.Role) -> None:
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=host.library_id, account_id=guest.account_id, role=role)


async def test_an_item_is_shown_with_everything_known_of_it(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    moment = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    item_id = await world.item(
        tenant.dataset_id, talk("Acme opens in London."), title="Call", description="With Acme", published_at=moment
    )
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        (segment,) = await transcripts.list_segments(session, item.transcript_id)
        mention = FoundMention(
            type="organization", name="Acme", segment_id=segment.id, start=0, end=0.5, text="Acme", confidence=None
        )
        await entities.replace_entities(
            session, item_id=item_id, transcript_id=item.transcript_id, found=[mention, mention]
        )
        blob = await items.get_blob(session, item.audio_blob_id)
        assert blob is not None
    response = await client.get(f"/api/items/{item_id}", headers=tenant.headers)
    assert response.status_code == 200
    body = response.json()
    created_at = datetime.fromisoformat(body.pop("created_at"))
    assert created_at.utcoffset() == datetime.now(UTC).utcoffset()
    (entity,) = body.pop("entities")
    assert {name: entity[name] for name in ("type", "name", "mentions")} == {
        "type": "organization",
        "name": "Acme",
        "mentions": 2,
    }
    assert body == {
        "id": item_id,
        "dataset_id": tenant.dataset_id,
        "title": "Call",
        "description": "With Acme",
        "source_type": "upload",
        "status": "published",
        "on_hold": False,
        "error": None,
        "notices": [],
        "stage": None,
        "progress_seconds": None,
        "language": "en",
        "duration_seconds": 2.0,
        "size_bytes": blob.size_bytes,
        "sha256": blob.sha256,
        "audio_url": f"http://echoic.test/api/items/{item_id}/audio",
        "transcript_url": f"http://echoic.test/api/items/{item_id}/transcript",
        "published_at": "2026-03-04T05:06:07Z",
        "publish_date": None,
        "expires_at": None,
        "audio_expires_at": None,
        "transcript_expires_at": None,
        "audio_removed_at": None,
        "transcript_removed_at": None,
        "legal_hold": False,
        "has_transcript": True,
    }


async def test_an_item_in_work_says_at_which_stage_and_how_far(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="processing", duration_seconds=60.0)
    async with world.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        run.stage, run.progress_seconds = "transcribe", 12.5
    body = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (body["status"], body["stage"], body["progress_seconds"]) == ("processing", "transcribe", 12.5)
    assert body["entities"] == []


async def test_a_failed_item_says_why(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(
        tenant.dataset_id,
        status="failed",
        error_code="media_unreadable",
        error_stage="decode",
        error_message="The file could not be decoded.",
    )
    body = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()
    assert (body["status"], body["stage"]) == ("failed", None)
    assert body["error"] == {
        "code": "media_unreadable",
        "stage": "decode",
        "message": "The file could not be decoded.",
    }


async def test_what_a_caller_may_not_see_is_answered_like_what_is_not_there(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    item_id = await world.item(owner.dataset_id, talk("secret"))
    for method, path, hidden in (
        ("GET", "/api/items/{}", item_id),
        ("PATCH", "/api/items/{}", item_id),
        ("DELETE", "/api/items/{}", item_id),
        ("GET", "/api/items/{}/audio", item_id),
        ("GET", "/api/items/{}/transcript", item_id),
        ("GET", "/api/items/{}/events", item_id),
        ("POST", "/api/items/{}/cancel", item_id),
        ("POST", "/api/items/{}/transcribe", item_id),
        ("GET", "/api/datasets/{}/items", owner.dataset_id),
    ):
        answers = []
        for number in (hidden, ABSENT):
            answer = await client.request(
                method,
                path.format(number),
                headers={**stranger.headers, "X-Request-ID": "same"},
                content=b"{}" if method == "PATCH" else None,
            )
            answers.append((answer.status_code, answer.content, dict(answer.headers)))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_a_public_library_is_read_by_all_and_changed_by_its_editors(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger, editor = await world.tenant(visibility="public"), await world.tenant(), await world.tenant()
    await join(world, editor, owner, "editor")
    item_id = await world.item(owner.dataset_id, talk("a"))
    path, again = f"/api/items/{item_id}", {"again": True}
    assert (await client.get(path, headers=stranger.headers)).status_code == 200
    refused = await client.post(f"{path}/transcribe", headers=stranger.headers, json=again)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await client.post(f"{path}/transcribe", headers=editor.headers, json=again)).status_code == 200


async def test_who_is_no_member_lists_what_is_published_whatever_state_is_asked_for(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger, viewer = await world.tenant(visibility="public"), await world.tenant(), await world.tenant()
    await join(world, viewer, owner, "viewer")
    made = {status: await world.item(owner.dataset_id, status=status) for status in get_args(ItemStatus)}

    async def listed(tenant: Tenant, query: str = "") -> tuple[list[int], int]:
        body = (await client.get(f"/api/datasets/{owner.dataset_id}/items{query}", headers=tenant.headers)).json()
        return [item["id"] for item in body["items"]], body["total"]

    assert await listed(viewer) == (sorted(made.values(), reverse=True), len(made))
    assert await listed(stranger) == ([made["published"]], 1)
    for status, item_id in made.items():
        found = sorted({item_id, made["stored"]}, reverse=True) if status == "queued" else [item_id]
        assert await listed(viewer, f"?status={status}") == (found, len(found))
        assert await listed(stranger, f"?status={status}") == (([item_id], 1) if status == "published" else ([], 0))


async def test_the_list_over_all_libraries_holds_what_each_may_see(client: httpx.AsyncClient, world: World) -> None:
    public, private, stranger = await world.tenant(visibility="public"), await world.tenant(), await world.tenant()
    await join(world, private, public, "viewer")
    made = {status: await world.item(public.dataset_id, status=status) for status in get_args(ItemStatus)}
    own = await world.item(private.dataset_id, status="failed")
    in_all = sorted([*made.values(), own], reverse=True)

    async def listed(tenant: Tenant, query: str = "") -> tuple[list[int], int]:
        body = (await client.get(f"/api/items{query}", headers=tenant.headers)).json()
        return [item["id"] for item in body["items"]], body["total"]

    assert await listed(private) == (in_all, len(in_all))
    assert await listed(public) == (sorted(made.values(), reverse=True), len(made))
    assert await listed(stranger) == ([made["published"]], 1)
    assert await listed(stranger, "?status=failed") == ([], 0)
    assert await listed(private, "?status=failed") == ([own, made["failed"]], 2)
    assert await listed(private, "?limit=1&offset=1&order=oldest") == ([in_all[-2]], len(in_all))


async def test_the_list_over_all_libraries_tells_strangers_nothing_of_later_work(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger = await world.tenant(visibility="public"), await world.tenant()
    await world.item(owner.dataset_id, talk("a"))
    async with world.database.transaction() as session:
        await session.execute(text("UPDATE items SET error_code = 'engine_failed', error_message = 'Out of memory.'"))
    for tenant, is_told in ((owner, True), (stranger, False)):
        (item,) = (await client.get("/api/items", headers=tenant.headers)).json()["items"]
        assert (item["error"] is not None) == is_told


async def test_a_viewer_may_read_and_not_cancel(client: httpx.AsyncClient, world: World) -> None:
    owner, viewer = await world.tenant(), await world.tenant()
    await join(world, viewer, owner, "viewer")
    item_id = await world.item(owner.dataset_id, status="queued")
    assert (await client.get(f"/api/items/{item_id}", headers=viewer.headers)).status_code == 200
    assert (await client.post(f"/api/items/{item_id}/cancel", headers=viewer.headers)).status_code == 403


async def test_a_dataset_lists_its_items_newest_first_in_pages(client: httpx.AsyncClient, world: World) -> None:
    tenant, other = await world.tenant(), await world.tenant()
    made = [await world.item(tenant.dataset_id, talk("a"), status=status) for status in ("published", "failed") * 2]
    await world.item(other.dataset_id, talk("b"))

    async def page(query: str) -> tuple[list[int], int]:
        response = await client.get(f"/api/datasets/{tenant.dataset_id}/items{query}", headers=tenant.headers)
        assert response.status_code == 200
        body = response.json()
        return [item["id"] for item in body["items"]], body["total"]

    assert await page("") == (made[::-1], 4)
    assert await page("?limit=2&offset=1") == ([made[2], made[1]], 4)
    assert await page("?status=failed") == ([made[3], made[1]], 2)
    assert await page("?offset=9") == ([], 4)
    assert await page("?order=oldest&limit=3") == (made[:3], 4)


async def test_a_dataset_is_listed_in_the_order_asked_for(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    apple, unknown, bird = [
        await world.item(tenant.dataset_id, status="stored", title=title, duration_seconds=seconds)
        for title, seconds in (("apple", 1.0), ("Cat", None), ("Bird", 9.0))
    ]
    for order, expected in (
        ("newest", [bird, unknown, apple]),
        ("title", [apple, bird, unknown]),
        ("longest", [bird, apple, unknown]),
    ):
        answer = await client.get(f"/api/datasets/{tenant.dataset_id}/items?order={order}", headers=tenant.headers)
        assert [item["id"] for item in answer.json()["items"]] == expected


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit: must be at least 1"),
        ("limit=101", "limit: must be at most 100"),
        ("offset=-1", "offset: must be at least 0"),
        ("offset=99999999999999999999", "offset: must be at most"),
        ("order=shuffled", "order: must be 'newest', 'oldest', 'title' or 'longest'"),
        ("status=done", "status: must be 'stored', 'queued', 'processing', 'published', 'failed'"),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_is_allowed(
    client: httpx.AsyncClient, world: World, query: str, named: str
) -> None:
    tenant = await world.tenant()
    response = await client.get(f"/api/datasets/{tenant.dataset_id}/items?{query}", headers=tenant.headers)
    assert (response.status_code, response.json()["code"]) == (400, "field_invalid")
    assert named in response.json()["message"]


async def test_a_waiting_item_is_cancelled_at_once_and_then_there_is_nothing_to_cancel(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="queued")
    cancelled = await client.post(f"/api/items/{item_id}/cancel", headers=tenant.headers)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = await client.post(f"/api/items/{item_id}/cancel", headers=tenant.headers)
    assert (again.status_code, again.json()["code"]) == (409, "run_not_active")


async def test_a_failed_item_is_taken_up_at_the_stage_that_failed(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="failed", error_code="engine_failed", error_stage="entities")
    async with world.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        run.stage = "entities"
    body = (await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)).json()
    assert (body["status"], body["stage"], body["error"]) == ("queued", "entities", None)
    again = await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)
    assert (again.status_code, again.json()["code"]) == (409, "run_active")


async def test_a_stored_item_is_started_once_however_many_ask_at_the_same_time(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, status="stored")
    answers = await asyncio.gather(
        *[client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers) for _ in range(4)]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    async with components.database.transaction() as session:
        run = await runs.newest_run(session, item_id)
        assert run is not None
        assert [event.event for event in await runs.list_events(session, run.id)] == ["queued"]


async def test_a_published_item_is_not_transcribed_again(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("done"))
    response = await client.post(f"/api/items/{item_id}/transcribe", headers=tenant.headers)
    assert (response.status_code, response.json()["code"]) == (409, "run_not_active")
