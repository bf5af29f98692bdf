"""Search by meaning in OpenSearch's own vectors, and in PostgreSQL's where OpenSearch holds none or is away."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from echoic.db.search.outdated_embeddings import list_outdated, replace_outdated
from echoic.db.search.stale_embeddings import list_stale, make_stale, store_meanings
from echoic.errors import SearchUnavailable
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.engine import OpenSearchIndex
from tests.factories import World, talk
from tests.opensearch.copied import ENCODER, CopiedIndex, nearest, needs_opensearch

pytestmark = needs_opensearch

NOWHERE = "http://127.0.0.1:9"
WITHOUT_PGVECTOR = (
    "DROP INDEX ix_segment_embeddings_vector",
    "ALTER TABLE segment_embeddings ALTER vector TYPE real[] USING vector::real[]",
)


async def test_without_pgvector_meaning_is_compared_in_opensearch(
    copied: CopiedIndex, world: World, as_owner: Callable[..., None]
) -> None:
    as_owner(*WITHOUT_PGVECTOR)
    tenant, other = await world.tenant(), await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting", "a walk in the rain"))
    await world.item(other.dataset_id, talk("budget meeting of others"))
    await copied.catch_up()
    assert await copied.index.supports_semantic()
    assert (await nearest(copied.index, tenant, "budget meeting"))[0] == "budget meeting"
    assert (await nearest(copied.index, tenant, "budget meeting", kind="hybrid"))[0] == "budget meeting"
    assert "budget meeting of others" not in await nearest(copied.index, tenant, "budget meeting of others")
    nobody = await world.tenant()
    assert await nearest(copied.index, nobody, "budget meeting") == []


@pytest.mark.parametrize("has_pgvector", [True, False])
async def test_while_it_is_away_postgresql_compares_or_nobody(
    copied: CopiedIndex,
    world: World,
    as_owner: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    has_pgvector: bool,
) -> None:
    if not has_pgvector:
        as_owner(*WITHOUT_PGVECTOR)
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting"))
    await copied.catch_up()
    index = OpenSearchIndex(world.database, copied.client, copied.names, fall_back=True)
    assert await nearest(index, tenant, "budget meeting") == ["budget meeting"]
    away = OpenSearchClient(NOWHERE)
    monkeypatch.setattr(copied.client, "_client", away._client)
    try:
        assert await nearest(index, tenant, "budget", kind="hybrid") == ["budget meeting"]
        if has_pgvector:
            assert await nearest(index, tenant, "budget meeting") == ["budget meeting"]
        else:
            with pytest.raises(SearchUnavailable):
                await nearest(index, tenant, "budget meeting")
        fresh = OpenSearchIndex(world.database, away, copied.names)
        assert await fresh.supports_semantic() is has_pgvector
    finally:
        monkeypatch.undo()
        await away.close()


async def test_a_cluster_without_the_plugin_leaves_meaning_to_postgresql(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def has_no_plugin(_: str) -> bool:
        return False

    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting"))
    monkeypatch.setattr(copied.client, "has_plugin", has_no_plugin)
    await copied.copier.begin()
    await copied.catch_up()
    assert not await copied.client.has_field(copied.names.alias, "vector")
    index = OpenSearchIndex(world.database, copied.client, copied.names)
    for kind in ("semantic", "hybrid"):
        assert await nearest(index, tenant, "budget meeting", kind=kind) == ["budget meeting"]


async def test_meanings_made_after_publishing_come_to_the_copy(
    copied: CopiedIndex, world: World, as_owner: Callable[..., None]
) -> None:
    as_owner(*WITHOUT_PGVECTOR)
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting"))
    await copied.catch_up()
    async with world.database.transaction() as session:
        segment_id = await session.scalar(text("UPDATE segments SET text = 'a walk' RETURNING id"))
        await make_stale(session, [segment_id or 0])
    await copied.catch_up()
    assert await nearest(copied.index, tenant, "a walk") == []
    stale = await list_stale(world.database, limit=10)
    vectors = ENCODER.encode([one.text for one in stale], "passage")
    async with world.database.transaction() as session:
        await store_meanings(session, stale, model=ENCODER.id.label, vectors=vectors)
    await copied.catch_up()
    assert await nearest(copied.index, tenant, "a walk") == ["a walk"]
    async with world.database.transaction() as session:
        outdated = await list_outdated(session, model="another@1", limit=10)
        await replace_outdated(session, outdated, model="another@1", vectors=vectors)
    await copied.catch_up()
    assert await nearest(copied.index, tenant, "a walk") == []
    assert await nearest(copied.index, tenant, "a walk", model="another@1") == ["a walk"]


async def test_a_vector_without_direction_is_left_out(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("budget meeting", "hm"))
    async with world.database.transaction() as session:
        await session.execute(
            text(
                "UPDATE segment_embeddings SET vector = array_fill(0, ARRAY[384])::real[] FROM segments "
                "WHERE segments.id = segment_id AND segments.text = 'hm'"
            )
        )
    await copied.catch_up()
    assert await nearest(copied.index, tenant, "budget meeting") == ["budget meeting"]
    assert await copied.copier.waiting() == 0
