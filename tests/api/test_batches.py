"""Many items at once: each is deleted, moved or transcribed by itself, and those that cannot be are named with the reason."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.db.catalog import libraries
from tests.api.people import ANNA, BERT, A, Asking, B, item_of
from tests.factories import World, talk

ABSENT = 987_654_321


@pytest.fixture
async def other_dataset(ask: Asking) -> int:
    """Another dataset of the same library, in which no voices are kept."""
    made = await ask("POST", "/api/datasets", 201, json={"name": "Archive", "identify_speakers": False})
    found: int = made["id"]
    return found


def path_of(ask: Asking, act: str) -> str:
    return f"/api/datasets/{ask.tenant.dataset_id}/items/{act}"


async def found_in(ask: Asking, dataset_id: int, query: str) -> list[int]:
    """The items of a dataset that a search narrowed to it finds."""
    body: dict[str, Any] = {"query": query, "search_type": "text", "filters": {"datasets": [dataset_id]}}
    return [hit["item_id"] for hit in (await ask("POST", "/api/search", json=body))["results"]]


async def test_deleted_items_are_gone_and_those_of_other_datasets_are_named(
    ask: Asking, world: World, other_dataset: int
) -> None:
    first, second = [await world.item(ask.tenant.dataset_id, talk("a")) for _ in range(2)]
    elsewhere = await world.item(other_dataset, talk("b"))
    body = await ask("POST", path_of(ask, "delete"), json={"items": [first, elsewhere, second, first, ABSENT]})
    assert body["done"] == [first, second]
    assert [(each["item_id"], each["code"]) for each in body["refused"]] == [
        (elsewhere, "item_not_found"),
        (ABSENT, "item_not_found"),
    ]
    assert [item["id"] for item in (await ask("GET", "/api/items"))["items"]] == [elsewhere]


async def test_a_moved_item_is_found_in_its_new_dataset_with_all_that_it_had(
    ask: Asking, world: World, other_dataset: int
) -> None:
    item_id = await world.item(ask.tenant.dataset_id, talk("harbor wall"), title="Harbor")
    await ask("PATCH", f"/api/items/{item_id}/transcript/segments/0", json={"text": "harbor walls"})
    body = await ask("POST", path_of(ask, "move"), json={"items": [item_id], "dataset_id": other_dataset})
    assert body == {"done": [item_id], "refused": []}
    assert (await ask("GET", f"/api/items/{item_id}"))["dataset_id"] == other_dataset
    assert await found_in(ask, other_dataset, "walls") == [item_id]
    assert await found_in(ask, ask.tenant.dataset_id, "walls") == []
    assert (await ask("GET", f"/api/items/{item_id}/transcript?version=0"))["segments"][0]["text"] == "harbor wall"


async def test_a_dataset_that_keeps_no_voices_forgets_those_of_an_item_moved_there(
    ask: Asking, world: World, other_dataset: int
) -> None:
    moved = await item_of(world, ask.components, ask.tenant, ANNA, BERT)
    await item_of(world, ask.components, ask.tenant, ANNA)
    await ask.name(moved, A, "Anna")
    await ask("POST", path_of(ask, "move"), json={"items": [moved], "dataset_id": other_dataset})
    assert await ask.vectors() == 1
    assert await ask.labels(moved) == {A: ("Anna", "by_hand"), B: (None, None)}


async def test_what_cannot_move_stays_and_says_why(ask: Asking, world: World, client: httpx.AsyncClient) -> None:
    strict = (await ask("POST", "/api/datasets", 201, json={"name": "Strict", "require_metadata": True}))["id"]
    described = await world.item(ask.tenant.dataset_id, talk("a"), description="Told")
    bare = await world.item(ask.tenant.dataset_id, talk("b"))
    working = await world.item(ask.tenant.dataset_id, status="processing", description="Told")
    body = await ask("POST", path_of(ask, "move"), json={"items": [described, bare, working], "dataset_id": strict})
    assert body["done"] == [described]
    assert {each["item_id"]: each["code"] for each in body["refused"]} == {
        bare: "metadata_required",
        working: "run_active",
    }
    stranger = await world.tenant()
    wanted = {"items": [bare], "dataset_id": stranger.dataset_id}
    await ask("POST", path_of(ask, "move"), 404, json=wanted)
    async with world.database.transaction() as session:
        await libraries.add_member(
            session, library_id=stranger.library_id, account_id=ask.tenant.account_id, role="editor"
        )
    refused = await ask("POST", path_of(ask, "move"), 409, json=wanted)
    assert refused["code"] == "dataset_elsewhere"


async def test_items_are_transcribed_again_and_those_in_work_are_left_alone(ask: Asking, world: World) -> None:
    done, failed, working = [
        await world.item(ask.tenant.dataset_id, talk("a"), status=status)
        for status in ("published", "failed", "processing")
    ]
    body = await ask("POST", path_of(ask, "transcribe"), json={"items": [done, failed, working], "again": True})
    assert body["done"] == [done, failed]
    assert [(each["item_id"], each["code"]) for each in body["refused"]] == [(working, "run_active")]
    async with world.database.transaction() as session:
        states = await session.execute(text("SELECT item_id, state FROM pipeline_queue ORDER BY id"))
        assert {row.item_id: row.state for row in states} == {done: "queued", failed: "queued", working: "running"}
    refused = await ask("POST", path_of(ask, "transcribe"), json={"items": [done]})
    assert [each["code"] for each in refused["refused"]] == ["run_active"]


async def test_a_viewer_changes_nothing_in_any_number(ask: Asking, world: World, client: httpx.AsyncClient) -> None:
    viewer = await world.tenant()
    item_id = await world.item(ask.tenant.dataset_id, talk("a"))
    async with world.database.transaction() as session:
        await libraries.add_member(
            session, library_id=ask.tenant.library_id, account_id=viewer.account_id, role="viewer"
        )
    for act, more in (("delete", {}), ("move", {"dataset_id": viewer.dataset_id}), ("transcribe", {})):
        answer = await client.post(path_of(ask, act), headers=viewer.headers, json={"items": [item_id], **more})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), act
    assert (await ask("GET", f"/api/items/{item_id}"))["status"] == "published"
