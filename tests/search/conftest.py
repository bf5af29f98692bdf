"""A database with what can be searched, and ways to search it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from echoic.db.connect import Database
from echoic.db.search import semantic
from echoic.db.search.postgres import PostgresIndex
from echoic.db.search.stems import StemMemory
from echoic.engines.fake import FakeTextEncoder
from echoic.search.answer import Found
from echoic.search.language import parse
from echoic.search.port import SearchIndex
from echoic.search.question import Filters, Order, QueryEmbedding, Search
from tests.factories import Tenant, World
from tests.opensearch.copied import OPENSEARCH_URL, CopiedIndex, copied_index
from tests.search.memory_world import memory_index

ENCODER = FakeTextEncoder()

Find = Callable[..., Awaitable[Found]]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """An empty database, and a way to fill it."""
    database = Database(database_url, pool_size=5)
    yield World(database)
    await database.close()


@pytest.fixture
def find_in_postgres(world: World, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Find:
    """``find`` in PostgreSQL."""
    index = PostgresIndex(world.database)

    async def engine() -> SearchIndex:
        return index

    return _finder(engine, monkeypatch, request)


@pytest.fixture
def find_in_opensearch(copied: CopiedIndex, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Find:
    """``find`` in OpenSearch, once all that was committed has come there."""

    async def engine() -> SearchIndex:
        await copied.catch_up()
        return copied.index

    return _finder(engine, monkeypatch, request)


@pytest.fixture
async def copied(world: World) -> AsyncIterator[CopiedIndex]:
    """An empty copy of the index in OpenSearch."""
    async with copied_index(world.database) as made:
        yield made


@pytest.fixture(params=["postgres", "memory", *(["opensearch"] if OPENSEARCH_URL else [])])
def find(request: pytest.FixtureRequest, world: World, find_in_postgres: Find, monkeypatch: pytest.MonkeyPatch) -> Find:
    """``await find(reader, "query", kind="hybrid", …)`` in each engine; options left out take the defaults of the API.

    ``kind="semantic, by the index"`` searches as where too many vectors may be found to compare with each. A test that
    takes this fixture is part of the contract; one about PostgreSQL alone takes ``find_in_postgres``.
    """
    if request.param == "opensearch":
        found: Find = request.getfixturevalue("find_in_opensearch")
        return found
    stems = StemMemory()

    async def engine() -> SearchIndex:
        return await memory_index(world.database, stems)

    return find_in_postgres if request.param == "postgres" else _finder(engine, monkeypatch, request)


def _finder(
    engine: Callable[[], Awaitable[SearchIndex]], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Find:
    async def search(
        reader: Tenant,
        query: str,
        *,
        kind: str = "text",
        model: str = ENCODER.id.label,
        filters: Filters | None = None,
        order: Order | None = None,
        **options: Any,
    ) -> Found:
        if kind != "text":
            request.getfixturevalue("pgvector")
        if kind == "semantic, by the index":
            monkeypatch.setattr(semantic, "MAX_COMPARED", -1)
        vector = ENCODER.encode([query], "query")[0].tolist()
        return await (await engine()).find(
            Search(
                account_id=reader.account_id,
                query=query,
                search_type=kind.partition(",")[0],  # type: ignore[arg-type]
                tree=parse(query),
                embedding=None
                if kind == "text"
                else QueryEmbedding(model=model, vector=vector, floor=ENCODER.similarity_floor),
                filters=filters or Filters(),
                order=order or Order(),
                **options,
            )
        )

    return search


def texts(found: Found) -> list[str]:
    return [hit.text for hit in found.hits]
