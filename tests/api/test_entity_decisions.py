"""People decide whom a name means: it holds for the past and for every later run, in their library alone, until undone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.db.subjects import locks
from tests.api.mentions import listed, name_in, slug_of, subject_named, transcribe_again
from tests.factories import Tenant, World, talk
from tests.subjects import counts_are_true
from tests.waiting import until

JON, JOHN, ROME = ("person", "Jon Smit"), ("person", "John Smith"), ("place", "Rome")


class Deciding:
    """A tenant who decides about the names of the library."""

    def __init__(self, client: httpx.AsyncClient, world: World, tenant: Tenant, slug: str) -> None:
        self.client, self.world, self.tenant, self.slug = client, world, tenant, slug

    async def __call__(self, method: str, path: str, expected: int = 200, **json: Any) -> dict[str, Any]:
        url = f"/api/libraries/{self.slug}/{path}"
        answer = await self.client.request(method, url, headers=self.tenant.headers, json=json or None)
        assert answer.status_code == expected, answer.text
        await counts_are_true(self.world.database)
        body: dict[str, Any] = answer.json()
        return body

    async def seen(self) -> dict[str, int]:
        return {name: mentions for _, name, _, mentions in await listed(self.client, self.tenant)}


async def deciding(client: httpx.AsyncClient, world: World) -> Deciding:
    tenant = await world.tenant()
    return Deciding(client, world, tenant, await slug_of(client, tenant))


async def recording(world: World, tenant: Tenant, *named: tuple[str, str, int]) -> int:
    item_id = await world.item(tenant.dataset_id, talk("one", "two", "three"))
    await name_in(world, item_id, *named)
    return item_id


async def test_merged_names_stay_one_through_later_runs_until_it_is_undone(
    client: httpx.AsyncClient, world: World
) -> None:
    decide = await deciding(client, world)
    first = await recording(world, decide.tenant, (*JON, 0), (*JOHN, 1), (*ROME, 2))
    elsewhere = await world.tenant("Elsewhere")
    await recording(world, elsewhere, (*JON, 0))
    jon, john = await subject_named(world, "Jon Smit"), await subject_named(world, "John Smith")

    merged = await decide("POST", f"entities/{john}/merge", entity_ids=[jon])
    assert (merged["kind"], merged["name"]) == ("merge", "John Smith")
    assert await decide.seen() == {"John Smith": 2, "Rome": 1}
    for old in (jon, john):  # addresses that were kept still lead there
        body = (await client.get(f"/api/entities/{old}", headers=decide.tenant.headers)).json()
        assert (body["id"], body["total"]) == (merged["entity_id"], 2)
    in_item = (await client.get(f"/api/items/{first}/entities", headers=decide.tenant.headers)).json()["entities"]
    assert [(one["name"], len(one["mentions"])) for one in in_item] == [("John Smith", 2), ("Rome", 1)]
    details = (await client.get(f"/api/items/{first}", headers=decide.tenant.headers)).json()["entities"]
    assert [(one["name"], one["mentions"]) for one in details] == [("John Smith", 2), ("Rome", 1)]
    assert [name for _, name, _, _ in await listed(client, elsewhere)] == ["Jon Smit"]

    await recording(world, decide.tenant, ("person", "JON  smit", 0))
    await transcribe_again(world, first, JON, JOHN, ROME)
    assert await decide.seen() == {"John Smith": 3, "Rome": 1}
    await counts_are_true(world.database)

    await decide("POST", f"entity-decisions/{merged['id']}/undo")
    seen = {" ".join(name.split()).title(): mentions for name, mentions in (await decide.seen()).items()}
    assert seen == {"Jon Smit": 2, "John Smith": 1, "Rome": 1}
    await decide("POST", f"entity-decisions/{merged['id']}/undo", expected=409)


async def test_a_new_name_is_that_of_the_past_and_of_what_comes(client: httpx.AsyncClient, world: World) -> None:
    decide = await deciding(client, world)
    await recording(world, decide.tenant, (*JON, 0), (*ROME, 1))
    jon, rome = await subject_named(world, "Jon Smit"), await subject_named(world, "Rome")

    renamed = await decide("PATCH", f"entities/{jon}", name="John Smith")
    await recording(world, decide.tenant, (*JOHN, 0), (*JON, 1))
    assert await decide.seen() == {"John Smith": 3, "Rome": 1}
    again = await decide("PATCH", f"entities/{renamed['entity_id']}", name="J. Smith")
    assert await decide.seen() == {"J. Smith": 3, "Rome": 1}
    other = await world.item(decide.tenant.dataset_id, talk("one"))
    await name_in(world, other, ("place", "Roma", 0))
    taken = await decide("PATCH", f"entities/{rome}", expected=409, name=" roma ")
    assert taken["code"] == "entity_name_taken"
    hidden = await decide("POST", f"entities/{await subject_named(world, 'Roma')}/hide")
    assert "hides it" in (await decide("PATCH", f"entities/{rome}", expected=409, name="Roma"))["message"]
    await decide("POST", f"entity-decisions/{hidden['id']}/undo")

    overridden = await decide("POST", f"entity-decisions/{renamed['id']}/undo", expected=409)
    assert overridden["code"] == "decision_overridden"
    await decide("POST", f"entity-decisions/{again['id']}/undo")
    await decide("POST", f"entity-decisions/{renamed['id']}/undo")
    assert await decide.seen() == {"Jon Smit": 2, "John Smith": 1, "Rome": 1, "Roma": 1}
    kinds = [(one["kind"], one["undone_at"] is None) for one in (await decide("GET", "entity-decisions"))["decisions"]]
    assert kinds == [("hide", False), ("rename", False), ("rename", False)]


async def test_one_name_is_two_people_and_another_is_nobody(client: httpx.AsyncClient, world: World) -> None:
    decide = await deciding(client, world)
    first = await recording(world, decide.tenant, (*JOHN, 0), (*ROME, 1))
    second = await recording(world, decide.tenant, (*JOHN, 0), (*JOHN, 1))
    john, rome = await subject_named(world, "John Smith"), await subject_named(world, "Rome")

    await decide("POST", f"entities/{john}/split", expected=400, name="Baker", items=[first, 987_654_321])
    made = await decide("POST", f"entities/{john}/split", expected=201, name="John Smith, baker", items=[second])
    assert await decide.seen() == {"John Smith, baker": 2, "John Smith": 1, "Rome": 1}
    await transcribe_again(world, second, JOHN)
    hidden = await decide("POST", f"entities/{rome}/hide")
    await recording(world, decide.tenant, (*ROME, 0), (*JOHN, 1))
    assert await decide.seen() == {"John Smith": 2, "John Smith, baker": 1}
    answer = await client.get(f"/api/entities/{hidden['entity_id']}", headers=decide.tenant.headers)
    assert answer.status_code == 404
    shown = (await client.get(f"/api/items/{first}/entities", headers=decide.tenant.headers)).json()["entities"]
    assert [one["name"] for one in shown] == ["John Smith"]

    await decide("POST", f"entities/{made['entity_id']}/merge", entity_ids=[john])
    assert await decide.seen() == {"John Smith, baker": 3}
    newest, _, oldest = (await decide("GET", "entity-decisions"))["decisions"]
    await decide("POST", f"entity-decisions/{newest['id']}/undo")
    await decide("POST", f"entity-decisions/{hidden['id']}/undo")
    await decide("POST", f"entity-decisions/{oldest['id']}/undo")
    assert await decide.seen() == {"John Smith": 3, "Rome": 2}


async def test_what_was_decided_of_an_item_goes_with_it_and_keeps_nothing_from_being_undone(
    client: httpx.AsyncClient, world: World
) -> None:
    decide = await deciding(client, world)
    first = await recording(world, decide.tenant, (*JOHN, 0))
    second = await recording(world, decide.tenant, (*JOHN, 0))
    await recording(world, decide.tenant, (*JOHN, 0))
    john = await subject_named(world, "John Smith")
    split = await decide("POST", f"entities/{john}/split", expected=201, name="Baker", items=[first, second])
    merged = await decide("POST", f"entities/{split['entity_id']}/merge", entity_ids=[john])
    await client.delete(f"/api/items/{first}", headers=decide.tenant.headers)
    await decide("POST", f"entity-decisions/{merged['id']}/undo")
    await decide("POST", f"entity-decisions/{split['id']}/undo")
    assert await decide.seen() == {"John Smith": 2}


@pytest.mark.parametrize("act", ["move", "delete", "store", "delete dataset"])
async def test_whoever_changes_an_item_waits_for_a_decision_before_anything_of_it_is_locked(
    client: httpx.AsyncClient, world: World, act: str
) -> None:
    decide = await deciding(client, world)
    item_id = await recording(world, decide.tenant, (*JON, 0), (*JOHN, 1))
    dataset_id, headers = decide.tenant.dataset_id, decide.tenant.headers
    other = await client.post("/api/datasets", headers=headers, json={"name": "Other", "library": decide.slug})
    move = {"items": [item_id], "dataset_id": other.json()["id"]}
    acts: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "move": lambda: client.post(f"/api/datasets/{dataset_id}/items/move", headers=headers, json=move),
        "delete": lambda: client.delete(f"/api/items/{item_id}", headers=headers),
        "store": lambda: name_in(world, item_id, ("place", "Rome", 0)),
        "delete dataset": lambda: client.delete(f"/api/datasets/{dataset_id}", headers=headers),
    }
    async with world.database.transaction() as deciding_now:
        library_id = await deciding_now.scalar(
            text("SELECT id FROM libraries WHERE slug = :slug"), {"slug": decide.slug}
        )
        await locks.lock_decisions(deciding_now, library_id)
        waiting = asyncio.create_task(acts[act]())

        async def somebody_waits() -> bool:
            async with world.database.transaction() as session:
                return bool(await session.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")))

        await until(somebody_waits, "the other waits for a lock")
        await deciding_now.execute(text("UPDATE entities SET name = name WHERE item_id = :item"), {"item": item_id})
        await deciding_now.execute(text("SELECT FROM items WHERE id = :item FOR KEY SHARE"), {"item": item_id})
    answer = await waiting
    assert answer is None or answer.is_success, answer.text
    await counts_are_true(world.database)
