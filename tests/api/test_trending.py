"""What more recordings name and say than before: growth over a window of days, counted by the day of publishing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from echoic.db.catalog import libraries
from echoic.db.subjects import trending
from echoic.db.subjects.trending import Recorded, growth
from tests.api.mentions import name_in, slug_of, subject_named
from tests.factories import Tenant, World, talk
from tests.subjects import counts_are_true

ROME, OSLO, ADA = ("place", "Rome", 0), ("place", "Oslo", 0), ("person", "Ada Lovelace", 0)


def now() -> datetime:
    """The present, asked for in each test: the module may have been read on the day before."""
    return datetime.now(UTC)


async def published(
    world: World, tenant: Tenant, days_ago: int, said: str, *named: tuple[str, str, int], **columns: Any
) -> int:
    """A recording that was published so many days ago, or whose columns say otherwise."""
    columns = {"published_at": now() - timedelta(days=days_ago), **columns}
    item_id = await world.item(tenant.dataset_id, talk(said, "and so on"), **columns)
    await name_in(world, item_id, *named)
    return item_id


async def asked(client: httpx.AsyncClient, tenant: Tenant, **params: Any) -> dict[str, Any]:
    answer = await client.get("/api/trending", params=params, headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [one["name"] for one in body["trends"]]


async def test_names_that_grow_are_told_with_their_recordings(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    new = [await published(world, tenant, ago, "hello", ROME, OSLO) for ago in (0, 2, 6)]
    await published(world, tenant, 3, "hello", ADA, ("person", "Ada Lovelace", 1), OSLO)
    for ago in (7, 9, 13):
        await published(world, tenant, ago, "hello", OSLO)
    await published(world, tenant, 8, "hello", ROME)
    await published(world, tenant, 14, "hello", ROME, ROME)  # before the window before
    rome = await subject_named(world, "Rome")

    body = await asked(client, tenant)
    assert (body["kind"], body["days"], body["items"], body["items_before"]) == ("entities", 7, 4, 4)
    assert (body["first_day"], body["last_day"]) == (str((now() - timedelta(days=6)).date()), str(now().date()))
    # Rome: 3 items after 1, Oslo: 4 after 3; Ada is named in one alone.
    first, second = body["trends"]
    told = [(one["name"], one["items"], one["items_before"], one["growth"]) for one in (first, second)]
    assert told == [("Rome", 3, 1, 1.5), ("Oslo", 4, 3, 1.167)]
    assert (first["entity_id"], first["type"], first["mentions"]) == (rome, "place", 3)
    assert [one["item_id"] for one in first["recordings"]] == new
    assert names(await asked(client, tenant, limit=1)) == ["Rome"]
    assert names(await asked(client, tenant, type="person")) == []
    assert names(await asked(client, tenant, library=await slug_of(client, tenant), type="place")) == ["Rome", "Oslo"]
    assert (await asked(client, tenant, days=365))["items_before"] == 0
    assert names(await asked(client, tenant, days=365)) == []
    answer = await client.get("/api/trending", params={"kind": "words", "type": "person"}, headers=tenant.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")


async def test_words_that_grow_are_told_as_they_are_written(client: httpx.AsyncClient, world: World) -> None:
    tenant = await world.tenant()
    first = await published(world, tenant, 1, "the Deadline of München in Zürich is 2026 in the end")
    second = await published(world, tenant, 2, "a deadline, Zürich, zurich, Zürich")
    for ago in (7, 8):
        await published(world, tenant, ago, "the budget is in München")
    assert await counts_are_true(world.database) > 10

    async def words() -> list[tuple[str, int, int]]:
        body = await asked(client, tenant, kind="words")
        return [(one["name"], one["items"], one["items_before"]) for one in body["trends"]]

    assert await words() == [("Zürich", 2, 0), ("Deadline", 2, 0)]  # no stop words, no figures
    # A correction counts at once, and no words but those of the segments that it changes are counted again.
    edit = {"text": "the deadline is a budget"}
    answer = await client.patch(f"/api/items/{first}/transcript/segments/1", json=edit, headers=tenant.headers)
    assert answer.is_success, answer.text
    await counts_are_true(world.database)
    answer = await client.patch(
        f"/api/items/{second}/transcript/segments/0", json={"text": "budgets"}, headers=tenant.headers
    )
    assert answer.is_success, answer.text
    await counts_are_true(world.database)
    assert await words() == []
    async with world.database.transaction() as session:
        other = await libraries.create_dataset(session, library_id=tenant.library_id, name="Other")
    moved = {"items": [first], "dataset_id": other.id}
    answer = await client.post(f"/api/datasets/{tenant.dataset_id}/items/move", json=moved, headers=tenant.headers)
    assert answer.is_success, answer.text
    await counts_are_true(world.database)
    assert (await client.delete(f"/api/items/{second}", headers=tenant.headers)).is_success
    await counts_are_true(world.database)


async def test_episodes_count_on_the_day_on_which_their_feed_published_them(
    client: httpx.AsyncClient, world: World
) -> None:
    """Or all of an archive that is fetched today would be on the rise."""
    tenant = await world.tenant()
    for ago in (8, 9):
        await published(world, tenant, 0, "x", OSLO, publish_date=now() - timedelta(days=ago))
    for _ in range(2):
        await published(world, tenant, 1, "x", ROME, publish_date=now() + timedelta(days=40))  # a feed's mistake
    body = await asked(client, tenant)
    assert (names(body), body["items"], body["items_before"]) == (["Rome"], 2, 2)
    await counts_are_true(world.database)


async def test_trends_are_of_what_the_caller_may_read_alone(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, stranger = await world.tenant("Owner"), await world.tenant("Stranger")
    for ago in (0, 1):
        await published(world, owner, ago, "a secret", ROME)
        await published(world, owner, 7 + ago, "a word", OSLO)
        await published(world, stranger, ago, "a hat", OSLO)
        await published(world, stranger, 7 + ago, "a cat")
    async with world.database.transaction() as session:
        await libraries.add_member(session, library_id=owner.library_id, account_id=stranger.account_id, role="viewer")
    both = (await asked(client, stranger), await asked(client, stranger, kind="words"))
    assert [set(names(body)) for body in both] == [{"Rome"}, {"secret", "hat"}]
    redaction = {"kinds": ["email"], "original_roles": ["owner"]}
    url = f"/api/datasets/{owner.dataset_id}"
    answer = await client.patch(url, json={"redaction": redaction}, headers=owner.headers)
    assert answer.is_success, answer.text
    own = (await asked(client, stranger), await asked(client, stranger, kind="words"))
    assert [(names(body), body["items"]) for body in own] == [(["Oslo"], 2), (["hat"], 2)]
    assert names(await asked(client, owner)) == ["Rome"]

    # Where more is there than is read at once, the figures are those of all of it.
    monkeypatch.setattr(trending, "LOOKED_AT", 1)
    monkeypatch.setattr(trending, "LEAST_DEPTH", 1)
    assert names(await asked(client, owner)) == ["Rome"]


def test_growth_is_the_ratio_to_what_was_to_be_expected_and_chance_does_not_lead() -> None:
    even = Recorded(items=100, items_before=100, days=14)
    assert growth(10, 10, even) == 1
    assert growth(10, 5, Recorded(items=200, items_before=100, days=14)) == 1  # twice the recordings
    assert growth(3, 0, even) < growth(40, 10, even) < growth(20, 0, even)
