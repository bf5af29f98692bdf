"""``echoic reindex`` with an OpenSearch: what it says is so, and its exit status says whether the copy is whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from echoic.cli import app
from echoic.db.search import copies
from echoic.db.search.refused_items import TOLERATED_ITEMS
from echoic.errors import SearchUnavailable
from echoic.opensearch import copier as copying, open as opening
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.engine import OpenSearchIndex
from echoic.opensearch.names import Names
from tests.factories import Tenant, World, segment, talk
from tests.opensearch.copied import OPENSEARCH_URL, needs_opensearch, searched

pytestmark = needs_opensearch

Reindex = Callable[..., Awaitable[Result]]


@pytest.fixture
async def cluster() -> AsyncIterator[OpenSearchClient]:
    assert OPENSEARCH_URL is not None
    client = OpenSearchClient(OPENSEARCH_URL)
    yield client
    await client.close()


@pytest.fixture
async def names(cluster: OpenSearchClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Names]:
    """Names that no other test has, for the command as well."""
    names = Names(f"test-{uuid4().hex}")
    monkeypatch.setattr(opening, "Names", lambda: names)
    yield names
    await cluster.delete_index(names.pattern)


@pytest.fixture
def reindex(world: World, names: Names, monkeypatch: pytest.MonkeyPatch) -> Reindex:
    """``await reindex("--all")`` runs the command, in a thread with a loop of its own."""
    monkeypatch.setenv("ECHOIC_DATABASE_URL", world.database.url)
    monkeypatch.setenv("ECHOIC_SEARCH_URL", OPENSEARCH_URL or "")

    async def run(*options: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["reindex", *options])

    return run


@pytest.fixture
async def tenant(world: World) -> Tenant:
    """A reader of two items, with an index in PostgreSQL that is up to date."""
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    await world.item(tenant.dataset_id, talk("a loud river"))
    return tenant


async def test_it_says_how_many_items_it_copied(
    reindex: Reindex, world: World, tenant: Tenant, cluster: OpenSearchClient, names: Names
) -> None:
    first = await reindex()
    assert first.exit_code == 0
    assert "Copied 2 items to OpenSearch." in first.stdout
    assert "up to date" not in first.stdout
    again = await reindex()
    assert (again.exit_code, again.stdout.strip()) == (0, "Every entry is up to date.")
    everything = await reindex("--all")
    assert "Rebuilt the entries of 2 items." in everything.stdout
    assert "Copied 2 items to OpenSearch." in everything.stdout
    index = OpenSearchIndex(world.database, cluster, names)
    assert await searched(index, tenant, "river") == ["a loud river", "a quiet river"]


@pytest.mark.usefixtures("tenant")
async def test_it_says_that_a_lost_index_was_filled(reindex: Reindex, cluster: OpenSearchClient, names: Names) -> None:
    await reindex()
    await cluster.delete_index(names.pattern)
    result = await reindex()
    assert (result.exit_code, result.stdout.strip()) == (0, "Copied 2 items to OpenSearch.")


@pytest.mark.usefixtures("tenant")
async def test_items_that_another_process_keeps_are_told(
    reindex: Reindex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reindex()
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a broad river"))
    async with world.database.transaction() as session:
        assert len(await copies.claim(session, number=10, lease_seconds=600)) == 1
    await world.item(tenant.dataset_id, talk("a river at night"))
    monkeypatch.setattr(copying, "PATIENCE_SECONDS", 1.0)
    result = await reindex()
    assert result.exit_code == 1
    assert result.stdout.strip() == "Copied 1 item to OpenSearch."
    assert "1 item is still to be copied to OpenSearch" in result.stderr


async def test_it_waits_while_opensearch_is_too_busy(
    reindex: Reindex, world: World, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, tries = OpenSearchClient.write, 0

    async def busy(self: OpenSearchClient, alias: str, actions: Any) -> dict[str, str]:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise SearchUnavailable
        return await write(self, alias, actions)

    monkeypatch.setattr(OpenSearchClient, "write", busy)
    monkeypatch.setattr(copying, "AWAY_SECONDS", 0.01)
    result = await reindex()
    assert (result.exit_code, result.stdout.strip()) == (0, "Copied 2 items to OpenSearch.")
    monkeypatch.setattr(copying, "PATIENCE_SECONDS", 0.1)
    await world.item(tenant.dataset_id, talk("a broad river"))
    tries = -1_000_000  # from now on it stays so
    result = await reindex()
    assert result.exit_code == 1
    assert "Copied" not in result.stdout


async def test_an_index_that_lacks_too_much_is_not_put_to_use(
    reindex: Reindex, world: World, tenant: Tenant, cluster: OpenSearchClient, names: Names
) -> None:
    await reindex()
    (former,) = await cluster.indices_of(names.pattern)
    bad = [
        await world.item(tenant.dataset_id, [segment("a loud river", speaker="S" * 40_000)])
        for _ in range(TOLERATED_ITEMS + 1)
    ]
    result = await reindex("--all")
    assert result.exit_code == 1
    assert "to OpenSearch" not in result.stdout
    said = " ".join(result.stderr.split())
    assert "A new index in OpenSearch is not put to use, since it lacks a part of 11 of 13 items: item" in said
    assert f"item {bad[0]} (400 illegal_argument_exception in 'speaker')" in said
    assert "and 8 more. Mend the cause, then run 'echoic reindex --all'." in said
    assert former in await cluster.indices_of(names.pattern)
    index = OpenSearchIndex(world.database, cluster, names)
    assert await searched(index, tenant, "quiet") == ["a quiet river"]


async def test_items_that_are_refused_are_named(reindex: Reindex, world: World, tenant: Tenant) -> None:
    item_id = await world.item(tenant.dataset_id, [segment("a loud river", speaker="S" * 40_000)])
    for _ in range(2):
        result = await reindex()
        assert result.exit_code == 1
        assert f"item {item_id} (400 illegal_argument_exception in 'speaker')" in result.stderr
        assert "up to date" not in result.output


@pytest.mark.usefixtures("tenant")
async def test_a_new_index_has_as_many_shards_as_the_settings_say(
    reindex: Reindex, cluster: OpenSearchClient, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOIC_SEARCH_SHARDS", "3")
    assert (await reindex()).exit_code == 0
    found = await cluster.search(names.alias, {"query": {"match_all": {}}}, routing=None)
    assert found["_shards"]["total"] == 3
