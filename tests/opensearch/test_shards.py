"""An index of several shards: a library lies in one of them, and searches ask those that hold what the reader may read."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from echoic.db.catalog import libraries
from echoic.db.items import items
from echoic.opensearch.matches import MAX_ROUTED_LIBRARIES
from tests.factories import Tenant, World, talk
from tests.opensearch.copied import CopiedIndex, copied_index, found_by, nearest, needs_opensearch

pytestmark = needs_opensearch

SHARDS = 3
LIBRARIES = 8
"""With so many it is out of the question that a wrong shard is the right one by chance for all."""


@pytest.fixture
async def copied(world: World) -> AsyncIterator[CopiedIndex]:
    """An empty copy of the index in several shards."""
    async with copied_index(world.database, shards=SHARDS) as made:
        yield made


@pytest.fixture
async def tenants(world: World) -> Sequence[Tenant]:
    """Readers of a library each, with two items."""
    made = [await world.tenant() for _ in range(LIBRARIES)]
    for number, tenant in enumerate(made):
        await world.item(tenant.dataset_id, talk(f"river {number}", "bridge"), title="Rivers")
        await world.item(tenant.dataset_id, talk(f"harbor {number}"))
    return made


@pytest.fixture
def asked(copied: CopiedIndex, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The routing of all searches."""
    seen: list[str | None] = []
    search = copied.client.search

    async def noted(name: str, body: Mapping[str, Any], *, routing: str | None) -> dict[str, Any]:
        seen.append(routing)
        return await search(name, body, routing=routing)

    monkeypatch.setattr(copied.client, "search", noted)
    return seen


async def shards_of(copied: CopiedIndex) -> dict[int, list[tuple[str, str]]]:
    """The shard and the id of each document, by its dataset."""
    body = {"query": {"match_all": {}}, "size": 10_000, "explain": True, "docvalue_fields": ["dataset_id"]}
    found = await copied.client.search(copied.names.alias, body, routing=None)
    places: dict[int, list[tuple[str, str]]] = {}
    for hit in found["hits"]["hits"]:
        places.setdefault(hit["fields"]["dataset_id"][0], []).append((hit["_shard"], hit["_id"]))
    return places


async def make_reader(world: World, tenants: Sequence[Tenant]) -> Tenant:
    """An account that may read all these libraries, and one of its own."""
    reader = await world.tenant()
    async with world.database.transaction() as session:
        for tenant in tenants:
            await libraries.add_member(
                session, library_id=tenant.library_id, account_id=reader.account_id, role="viewer"
            )
    return reader


async def test_a_library_lies_in_one_shard_and_its_reader_asks_that_alone(
    copied: CopiedIndex, tenants: Sequence[Tenant], asked: list[str | None]
) -> None:
    await copied.catch_up()
    places = await shards_of(copied)
    assert {dataset_id: len({shard for shard, _ in held}) for dataset_id, held in places.items()} == {
        tenant.dataset_id: 1 for tenant in tenants
    }
    assert {len(held) for held in places.values()} == {5}
    assert len({shard for held in places.values() for shard, _ in held}) > 1
    asked.clear()
    for number, tenant in enumerate(tenants):
        assert await found_by(copied, tenant, "river") == ["Rivers", f"river {number}"]
        assert f"harbor {number}" in await nearest(copied.index, tenant, f"harbor {number}")
    assert list(dict.fromkeys(asked)) == [str(tenant.library_id) for tenant in tenants]


async def test_who_reads_several_libraries_finds_what_is_in_all_of_them(
    copied: CopiedIndex, world: World, tenants: Sequence[Tenant], asked: list[str | None]
) -> None:
    reader = await make_reader(world, tenants)
    some = await make_reader(world, tenants[:3])
    await copied.catch_up()
    assert await found_by(copied, reader, "harbor") == [f"harbor {number}" for number in range(LIBRARIES)]
    assert await found_by(copied, some, "harbor") == ["harbor 0", "harbor 1", "harbor 2"]
    wanted = [{*tenants, reader}, {*tenants[:3], some}]
    named = [{str(tenant.library_id) for tenant in group} for group in wanted]
    assert [set((one or "").split(",")) for one in dict.fromkeys(asked)] == named


async def test_who_reads_more_libraries_than_are_named_asks_every_shard(
    copied: CopiedIndex, world: World, asked: list[str | None]
) -> None:
    many = [await world.tenant(visibility="public") for _ in range(MAX_ROUTED_LIBRARIES + 1)]
    for number, tenant in enumerate(many):
        await world.item(tenant.dataset_id, talk(f"river {number}"))
    await copied.catch_up()
    every = sorted(f"river {number}" for number in range(len(many)))
    assert await found_by(copied, many[0], "river") == every
    assert sorted(await nearest(copied.index, many[0], "river")) == every
    assert set(asked) == {None}


async def test_a_moved_item_moves_to_the_shard_of_its_new_library(
    copied: CopiedIndex, world: World, tenants: Sequence[Tenant]
) -> None:
    await copied.catch_up()
    before = await shards_of(copied)
    former = tenants[0]
    (old_shard,) = {shard for shard, _ in before[former.dataset_id]}
    other = next(one for one in tenants if before[one.dataset_id][0][0] != old_shard)
    item_id = await world.item(former.dataset_id, talk("a lighthouse", "a lighthouse at night"))
    await copied.catch_up()
    assert len(await found_by(copied, former, "lighthouse")) == 2
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        item.dataset_id = other.dataset_id
    await copied.catch_up()
    after = await shards_of(copied)
    assert after[former.dataset_id] == before[former.dataset_id]
    assert {shard for shard, _ in after[other.dataset_id]} == {before[other.dataset_id][0][0]}
    assert len(after[other.dataset_id]) == 5 + 3
    assert await found_by(copied, former, "lighthouse") == []
    assert await found_by(copied, other, "lighthouse") == ["a lighthouse", "a lighthouse at night"]
    assert len(await nearest(copied.index, other, "a lighthouse")) >= 2
    assert await found_by(copied, await make_reader(world, tenants), "lighthouse") == [
        "a lighthouse",
        "a lighthouse at night",
    ]
