"""Entities over the API: an item's with their mentions, and names counted over what the caller may read."""

from typing import Any

import httpx
import pytest

from echoic.db.catalog.libraries import Visibility
from echoic.db.items import items
from echoic.db.transcripts import entities
from tests.api.mentions import found_by_another_run, listed, name_in, slug_of
from tests.factories import Tenant, World, talk

ABSENT = 987_654_321


async def recording(world: World, tenant: Tenant, *named: tuple[str, str, int], status: str = "published") -> int:
    item_id = await world.item(tenant.dataset_id, talk("one", "two", "three"), status=status)
    await name_in(world, item_id, *named)
    return item_id


async def test_an_item_tells_where_each_entity_is_named(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    person, place = ("person", "Margaret Hale"), ("place", "London")
    item_id = await recording(world, tenant, (*place, 1), (*person, 2), (*person, 0))

    body = (await client.get(f"/api/items/{item_id}/entities", headers=tenant.headers)).json()

    assert (body["total"], body["limit"], body["offset"]) == (2, 20, 0)
    margaret, london = body["entities"]
    assert (margaret["type"], margaret["name"]) == person
    assert margaret["mentions"] == [
        {"segment": 0, "start": 0.0, "end": 0.5, "text": "Hale", "confidence": None},
        {"segment": 2, "start": 20.0, "end": 20.5, "text": "Hale", "confidence": None},
    ]
    assert [mention["segment"] for mention in london["mentions"]] == [1]


async def test_what_a_new_run_found_waits_until_its_transcript_is_the_items(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    ada, rome = ("person", "Ada"), ("place", "Rome")
    item_id = await recording(world, tenant, (*ada, 0), (*ada, 2))

    async def seen() -> list[list[tuple[str, int]]]:
        details = (await client.get(f"/api/items/{item_id}", headers=tenant.headers)).json()["entities"]
        mentioned = (await client.get(f"/api/items/{item_id}/entities", headers=tenant.headers)).json()["entities"]
        return [
            [(entity["name"], entity["mentions"]) for entity in details],
            [(entity["name"], len(entity["mentions"])) for entity in mentioned],
            [(name, mentions) for _, name, _, mentions in await listed(client, tenant)],
        ]

    async with world.database.transaction() as session:
        newer_id, found = await found_by_another_run(session, item_id, ada, rome)
        for _ in range(2):  # a stage that is repeated
            await entities.replace_entities(session, item_id=item_id, transcript_id=newer_id, found=found)
    assert await seen() == [[("Ada", 2)]] * 3

    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        item.transcript_id = newer_id
    assert await seen() == [[("Ada", 1), ("Rome", 1)]] * 3


async def test_an_items_entities_are_paged_and_narrowed_to_a_type(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await recording(world, tenant, ("place", "Rome", 0), ("place", "Oslo", 1), ("person", "Ada", 2))

    async def names(query: str) -> tuple[list[str], int]:
        body = (await client.get(f"/api/items/{item_id}/entities{query}", headers=tenant.headers)).json()
        return [entity["name"] for entity in body["entities"]], body["total"]

    assert await names("?type=place") == (["Oslo", "Rome"], 2)
    assert await names("?limit=1&offset=1") == (["Oslo"], 3)
    assert await names("?offset=3") == ([], 3)
    assert await names("?type=product") == ([], 0)


async def test_names_are_counted_over_recordings_the_most_mentioned_first(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    await recording(world, tenant, ("person", "Ada", 0), ("place", "Rome", 1), ("person", "Ada", 2))
    await recording(world, tenant, ("person", "Ada", 0), ("product", "100%_Ada", 1))

    assert await listed(client, tenant) == [
        ("person", "Ada", 2, 3),
        ("product", "100%_Ada", 1, 1),
        ("place", "Rome", 1, 1),
    ]
    assert await listed(client, tenant, "?limit=1&offset=2") == [("place", "Rome", 1, 1)]
    assert await listed(client, tenant, "?type=place") == [("place", "Rome", 1, 1)]
    assert [name for _, name, _, _ in await listed(client, tenant, "?q=aDA")] == ["Ada", "100%_Ada"]
    # Signs that mean something to LIKE stand for themselves.
    assert [name for _, name, _, _ in await listed(client, tenant, "?q=%25_")] == ["100%_Ada"]


@pytest.mark.parametrize(("visibility", "seen"), [("private", False), ("public", True)])
async def test_nobody_sees_what_is_named_in_anothers_private_library(
    client: httpx.AsyncClient, world: World, visibility: Visibility, *, seen: bool
) -> None:
    owner, stranger = await world.tenant(visibility=visibility), await world.tenant()
    item_id = await recording(world, owner, ("person", "Ada", 0))
    await recording(world, stranger, ("person", "Ada", 0), ("place", "Rome", 0))
    slug = await slug_of(client, owner)

    paths = (
        f"/api/items/{item_id}/entities",
        f"/api/entities?library={slug}",
        f"/api/entities?dataset={owner.dataset_id}",
        f"/api/entities/mentions?name=Ada&library={slug}",
    )
    for path in paths:
        answer = await client.get(path, headers=stranger.headers)
        assert answer.status_code == (200 if seen else 404), path
        assert ("Ada" in answer.text) == seen
    assert await listed(client, stranger) == [
        ("person", "Ada", 2, 2) if seen else ("person", "Ada", 1, 1),
        ("place", "Rome", 1, 1),
    ]
    assert await listed(client, stranger, f"?library={await slug_of(client, stranger)}&q=ada") == [
        ("person", "Ada", 1, 1)
    ]


async def test_a_name_leads_to_every_place_where_it_is_said(client: httpx.AsyncClient, world: World) -> None:
    tenant, stranger = await world.tenant(), await world.tenant()
    ada = ("person", "Ada")
    first = await recording(world, tenant, (*ada, 0), ("place", "Ada", 1), ("place", "Rome", 2))
    second = await recording(world, tenant, (*ada, 2))
    await recording(world, stranger, (*ada, 0))

    async def places(query: str) -> list[tuple[int, int, float, str]]:
        answer = await client.get(f"/api/entities/mentions?{query}", headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        found = answer.json()["mentions"]
        return [(one["item_id"], one["segment"], one["start"], one["said"]) for one in found]

    assert await places("name=Ada&type=person") == [(second, 2, 20.0, "three"), (first, 0, 0.0, "one")]
    assert [segment for _, segment, _, _ in await places("name=Ada")] == [2, 0, 1]
    assert await places("name=Ada&type=person&limit=1&offset=1") == [(first, 0, 0.0, "one")]
    assert await places("name=ada") == []
    assert await places(f"name=Ada&library={await slug_of(client, tenant)}&dataset={tenant.dataset_id}&offset=3") == []


async def test_neighbors_of_a_name_are_said_within_half_a_minute_of_it(client: httpx.AsyncClient, world: World) -> None:
    tenant, stranger = await world.tenant(), await world.tenant()
    ada, rome, oslo = ("person", "Ada"), ("place", "Rome"), ("place", "Oslo")
    for said_twice in (rome, oslo):
        item_id = await world.item(tenant.dataset_id, talk(*"abcdefg"))  # a segment each 10 s
        await name_in(world, item_id, (*ada, 0), (*rome, 3), (*said_twice, 1), (*oslo, 6))
    await recording(world, stranger, (*ada, 0), ("person", "Eve", 0))

    async def near(query: str) -> list[tuple[str, str, int, int]]:
        answer = await client.get(f"/api/entities/neighbors?{query}", headers=tenant.headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["near_seconds"] == 30.0
        return [(one["type"], one["name"], one["items"], one["mentions"]) for one in answer.json()["neighbors"]]

    assert await near("name=Ada&type=person") == [("place", "Rome", 2, 3), ("place", "Oslo", 1, 1)]
    assert await near("name=Oslo") == [("place", "Rome", 2, 2), ("person", "Ada", 1, 1)]
    assert await near("name=Ada&limit=1&offset=1") == [("place", "Oslo", 1, 1)]
    assert await near("name=Nobody") == []


async def test_what_is_hidden_is_answered_like_what_is_absent(client: httpx.AsyncClient, world: World) -> None:
    owner, stranger = await world.tenant(), await world.tenant()
    item_id = await recording(world, owner, ("person", "Ada", 0))

    async def answered(path: str) -> tuple[int, Any]:
        answer = await client.get(path, headers=stranger.headers)
        return answer.status_code, answer.json()["code"]

    slug = await slug_of(client, owner)
    assert await answered(f"/api/items/{item_id}/entities") == await answered(f"/api/items/{ABSENT}/entities")
    assert await answered(f"/api/entities?library={slug}") == await answered("/api/entities?library=absent")


async def test_only_published_items_tell_what_they_name(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    item_id = await recording(world, tenant, ("person", "Ada", 0), status="failed")

    assert await listed(client, tenant) == []
    body = (await client.get(f"/api/items/{item_id}/entities", headers=tenant.headers)).json()
    assert (body["entities"], body["total"]) == ([], 0)


@pytest.mark.parametrize(
    "query", ["q=", "q=a%00b", "type=animal", "library=No%20Slug", "limit=0", "dataset=0", f"q={'a' * 201}"]
)
async def test_a_filter_that_cannot_be_is_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    tenant = await world.tenant()

    answer = await client.get(f"/api/entities?{query}", headers=tenant.headers)

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["message"]


async def test_a_person_who_is_named_and_speaks_is_linked_to_the_speaker(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("one", "two", "three", speaker="SPEAKER_00"))
    await name_in(world, item_id, ("person", "Anna Weber", 0), ("person", "Ben Hale", 1), ("place", "Weber", 2))
    url = f"/api/items/{item_id}"
    said = await client.post(f"{url}/speakers/SPEAKER_00", headers=tenant.headers, json={"name": "Dr. Anna Weber"})
    (speaker,) = said.json()["speakers"]
    found = (await client.get(f"{url}/entities", headers=tenant.headers)).json()["entities"]
    assert {entity["name"]: entity["speaker_id"] for entity in found} == {
        "Anna Weber": speaker["speaker_id"],
        "Ben Hale": None,
        "Weber": None,
    }
