"""One entity over all recordings: counts that are kept, its mentions, its neighbors, its graph."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.db.catalog import libraries
from echoic.db.subjects import found
from tests.api.mentions import listed, name_in, slug_of, subject_named
from tests.factories import Tenant, World, talk
from tests.subjects import counts_are_true

ADA, ROME, OSLO = ("person", "Ada Lovelace"), ("place", "Rome"), ("place", "Oslo")


async def asked(client: httpx.AsyncClient, tenant: Tenant, path: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"/api/entities/{path}", params=params, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def recording(world: World, tenant: Tenant, *named: tuple[str, str, int]) -> int:
    """A recording of three minutes; named in which of its 18 segments."""
    item_id = await world.item(tenant.dataset_id, talk(*(f"said {n}" for n in range(18))))
    await name_in(world, item_id, *named)
    return item_id


async def test_counts_are_true_whatever_becomes_of_an_item(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    async with world.database.transaction() as session:
        other = await libraries.create_dataset(session, library_id=tenant.library_id, name="Other")
    first = await recording(
        world, tenant, (*ADA, 0), ("person", "ADA  lovelace", 1), (*ROME, 2), (*ROME, 7), (*OSLO, 12)
    )
    second = await recording(world, tenant, (*ADA, 5), (*ROME, 5), (*OSLO, 5))
    assert await counts_are_true(world.database) > 10

    await client.patch(f"/api/items/{first}/transcript/segments/0", json={"text": "nobody"}, headers=tenant.headers)
    await counts_are_true(world.database)
    assert [mentions for _, name, _, mentions in await listed(client, tenant) if name.startswith("A")] == [2]

    moved = {"items": [second], "dataset_id": other.id}
    answer = await client.post(f"/api/datasets/{tenant.dataset_id}/items/move", json=moved, headers=tenant.headers)
    assert answer.is_success, answer.text
    await counts_are_true(world.database)
    assert [one[1] for one in await listed(client, tenant, f"?dataset={other.id}")] == ["Ada Lovelace", "Oslo", "Rome"]

    assert (await client.delete(f"/api/datasets/{other.id}", headers=tenant.headers)).is_success
    await counts_are_true(world.database)
    assert (await client.delete(f"/api/items/{first}", headers=tenant.headers)).is_success
    assert await counts_are_true(world.database) == 2  # those of what no transaction leaves behind
    async with world.database.transaction() as session:
        left = await session.scalar(text("SELECT count(*) FROM subjects"))
    assert left == 0  # no name of a deleted recording stays behind


async def test_an_entity_is_told_in_full(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    first = await recording(world, tenant, (*ADA, 0), (*ADA, 1), (*ROME, 5), (*OSLO, 6))
    second = await recording(world, tenant, (*ADA, 13), (*ROME, 12), (*ROME, 17), (*OSLO, 13))
    ada = await subject_named(world, "Ada Lovelace")

    body = await asked(client, tenant, str(ada))
    assert (body["name"], body["items"], body["total"]) == ("Ada Lovelace", 2, 3)
    assert (body["first_named"], body["last_named"]) == ("2026-01-01", "2026-01-01")
    near = [(one["name"], one["items"], one["minutes"]) for one in body["neighbors"]]
    assert near == [("Rome", 2, 2), ("Oslo", 1, 1)]
    places = [(one["item_id"], one["segment"], one["said"]) for one in body["mentions"]]
    assert places == [(second, 13, "said 13"), (first, 0, "said 0"), (first, 1, "said 1")]
    for offset in range(4):
        page = (await asked(client, tenant, str(ada), limit=1, offset=offset))["mentions"]
        assert [(one["item_id"], one["segment"], one["said"]) for one in page] == places[offset : offset + 1]

    graph = await asked(client, tenant, f"{ada}/graph", depth=2)
    assert [(one["name"], one["distance"]) for one in graph["nodes"]] == [("Ada Lovelace", 0), ("Rome", 1), ("Oslo", 1)]
    names = {one["id"]: one["name"] for one in graph["nodes"]}
    edges = {(names[one["source"]], names[one["target"]]): one["minutes"] for one in graph["edges"]}
    assert edges == {("Ada Lovelace", "Rome"): 2, ("Ada Lovelace", "Oslo"): 1, ("Rome", "Oslo"): 1}
    star = await asked(client, tenant, f"{ada}/graph", limit=1)
    assert [one["name"] for one in star["nodes"]] == ["Ada Lovelace", "Rome"]


async def test_an_entity_is_counted_over_what_the_caller_may_read_alone(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, stranger = await world.tenant("Owner"), await world.tenant("Stranger", visibility="public")
    await recording(world, owner, (*ADA, 0), (*ROME, 0), (*ROME, 1))
    await recording(world, stranger, ("person", "ADA LOVELACE", 0), (*OSLO, 0))
    ada, rome = await subject_named(world, "Ada Lovelace"), await subject_named(world, "Rome")

    of_owner, of_stranger = await asked(client, owner, str(ada)), await asked(client, stranger, str(ada))
    assert (of_owner["total"], {one["name"] for one in of_owner["neighbors"]}) == (2, {"Rome", "Oslo"})
    assert (of_stranger["total"], of_stranger["name"]) == (1, "ADA LOVELACE")
    assert [one["name"] for one in of_stranger["neighbors"]] == ["Oslo"]
    narrowed = await asked(client, owner, str(ada), library=await slug_of(client, owner))
    assert (narrowed["total"], [one["name"] for one in narrowed["neighbors"]]) == (1, ["Rome"])
    for path in (str(rome), f"{rome}/graph", "987654321"):
        answer = await client.get(f"/api/entities/{path}", headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "entity_not_found")

    # A role from which the dataset hides something reads of none of its entities, not even by a count.
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=stranger.account_id, role="viewer")
    assert (await asked(client, stranger, str(ada)))["total"] == 2
    redaction = {"kinds": ["email"], "original_roles": ["owner"]}
    url = f"/api/datasets/{owner.dataset_id}"
    answer = await client.patch(url, json={"redaction": redaction}, headers=owner.headers)
    assert answer.is_success, answer.text
    assert (await asked(client, stranger, str(ada)))["total"] == 1
    assert (await asked(client, owner, str(ada)))["total"] == 2


async def test_pages_of_mentions_are_the_same_however_items_lie_in_datasets(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "LEAST_NEWEST", 1)
    tenant = await world.tenant()
    datasets = [tenant.dataset_id]
    async with world.database.transaction() as session:
        for name in "BCDEFGH":
            more = await libraries.create_dataset(session, library_id=tenant.library_id, name=name)
            datasets.append(more.id)
    places: list[tuple[int, int]] = []
    # The newest items lie in one dataset, so that the beginnings of all do not settle a page at the first look.
    for n, dataset_id in enumerate([*datasets, *datasets[::3], *[datasets[2]] * 9]):
        item_id = await world.item(dataset_id, talk("one", "two", "three"))
        said = range(1 + n % 3)
        await name_in(world, item_id, *((*ADA, segment) for segment in said))
        places = [*((item_id, segment) for segment in said), *places]
    ada = await subject_named(world, ADA[1])
    looked = 0
    for limit in (1, 4, len(places)):
        for offset in range(0, len(places) + 2 * limit, limit):
            body = await asked(client, tenant, str(ada), limit=limit, offset=offset)
            page = [(one["item_id"], one["segment"]) for one in body["mentions"]]
            assert page == places[offset : offset + limit], (limit, offset)
            looked += len(page)
    assert looked == 3 * len(places) > 100
