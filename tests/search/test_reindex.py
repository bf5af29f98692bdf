"""Entries of an older schema version answer until they are made anew."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from echoic.cli import app
from echoic.db.search.index import SCHEMA_VERSION
from echoic.db.search.reindex import reindex, reindex_outdated
from tests.factories import Tenant, World, talk
from tests.search.conftest import Find, texts


async def make_older(world: World) -> None:
    """Put the index into the state in which version 1 left it."""
    async with world.database.transaction() as session:
        await session.execute(text("DELETE FROM search_entries WHERE segment_id IS NULL"))
        await session.execute(text("DELETE FROM search_words"))
        await session.execute(
            text(
                "UPDATE search_entries SET schema_version = 1, vector = to_tsvector('english', segments.text) "
                "FROM segments WHERE segments.id = segment_id"
            )
        )


async def scalar(world: World, query: str) -> Any:
    async with world.database.transaction() as session:
        return await session.scalar(text(query))


@pytest.fixture
async def older(world: World) -> Tenant:
    """A reader of two items that were indexed by version 1."""
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the closing of the cafe", "red wine"), title="Harbor")
    await world.item(tenant.dataset_id, talk("a cafe was closed"), title="Lighthouse")
    await make_older(world)
    return tenant


async def test_older_entries_still_answer_to_words(find_in_postgres: Find, older: Tenant) -> None:
    assert sorted(texts(await find_in_postgres(older, "closings cafe"))) == [
        "a cafe was closed",
        "the closing of the cafe",
    ]
    assert texts(await find_in_postgres(older, "cafe -closing")) == []


async def test_a_stranger_finds_nothing_in_older_entries_either(
    find_in_postgres: Find, world: World, older: Tenant
) -> None:
    stranger = await world.tenant()
    assert (await find_in_postgres(stranger, "cafe", facets=True)).total == 0


async def test_made_anew_they_answer_to_everything(find_in_postgres: Find, world: World, older: Tenant) -> None:
    seen: list[tuple[int, int]] = []
    done = await reindex(world.database, on_progress=lambda done, total: seen.append((done, total)))
    assert (done, seen) == (2, [(1, 2), (2, 2)])
    assert texts(await find_in_postgres(older, '"closing of the cafe"')) == ["the closing of the cafe"]
    assert texts(await find_in_postgres(older, "lighthouses")) == ["Lighthouse"]
    assert texts(await find_in_postgres(older, "lihgthouse")) == ["Lighthouse"]
    assert await scalar(world, "SELECT min(schema_version) FROM search_entries") == SCHEMA_VERSION
    assert await reindex(world.database) == 0
    assert await reindex(world.database, everything=True) == 2
    assert await scalar(world, "SELECT count(*) FROM search_entries") == 5


async def test_many_may_index_the_same_items_at_once(find_in_postgres: Find, world: World, older: Tenant) -> None:
    await asyncio.gather(*(reindex(world.database) for _ in range(4)))
    assert await scalar(world, "SELECT count(*) FROM search_entries") == 5
    assert (await find_in_postgres(older, "cafe")).total == 2


async def test_the_servers_round_makes_all_entries_anew(find_in_postgres: Find, world: World, older: Tenant) -> None:
    await reindex_outdated(world.database)
    assert texts(await find_in_postgres(older, '"red wine"')) == ["red wine"]
    assert texts(await find_in_postgres(older, "harbor")) == ["Harbor"]


async def test_the_command_shows_what_it_did(world: World, older: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOIC_DATABASE_URL", world.database.url)
    said = [(await asyncio.to_thread(CliRunner().invoke, app, ["reindex"])).output for _ in range(2)]
    assert "Rebuilt the entries of 2 items." in said[0]
    assert "Every entry is up to date." in said[1]
