"""A database with what can be searched, and ways to search it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from echoic.db.connect import Database
from echoic.db.search import semantic
from echoic.db.search.scope import Filters
from echoic.db.search.start import Order
from echoic.engines.fake import FakeTextEncoder
from echoic.search.language import parse
from echoic.search.port import Found, QueryMeaning, Wanted
from echoic.search.postgres import PostgresIndex
from tests.factories import Tenant, World

ENCODER = FakeTextEncoder()

Find = Callable[..., Awaitable[Found]]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """An empty database, and a way to fill it."""
    database = Database(database_url, pool_size=5)
    yield World(database)
    await database.close()


@pytest.fixture
def find(world: World, monkeypatch: pytest.MonkeyPatch) -> Find:
    """``await find(reader, "query", kind="hybrid", …)``; what is left out takes the defaults of the API.

    ``kind="semantic, by the index"`` searches as where too many vectors may be found to compare with each.
    """
    index = PostgresIndex(world.database)

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
        if kind == "semantic, by the index":
            monkeypatch.setattr(semantic, "MAX_COMPARED", -1)
        vector = ENCODER.encode([query], "query")[0].tolist()
        defaults: dict[str, Any] = {
            "limit": 20,
            "offset": 0,
            "highlight": True,
            "context_segments": 0,
            "facets": False,
        }
        return await index.find(
            Wanted(
                account_id=reader.account_id,
                query=parse(query),
                by_words=kind in ("text", "hybrid"),
                meaning=None if kind == "text" else QueryMeaning(model=model, vector=vector),
                filters=filters or Filters(),
                order=order or Order(),
                **defaults | options,
            )
        )

    return search


def texts(found: Found) -> list[str]:
    return [hit.text for hit in found.hits]
