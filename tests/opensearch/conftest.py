"""A database, and a copy of its index in OpenSearch."""

from collections.abc import AsyncIterator

import pytest

from echoic.db.connect import Database
from tests.factories import World
from tests.opensearch.copied import CopiedIndex, copied_index


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """An empty database, and a way to fill it."""
    database = Database(database_url, pool_size=5)
    yield World(database)
    await database.close()


@pytest.fixture
async def copied(world: World) -> AsyncIterator[CopiedIndex]:
    """An empty copy of the index in OpenSearch."""
    async with copied_index(world.database) as made:
        yield made
