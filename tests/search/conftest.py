"""A database with what can be searched."""

from collections.abc import AsyncIterator

import pytest

from echoic.db.connect import Database
from tests.factories import World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """An empty database, and a way to fill it."""
    database = Database(database_url, pool_size=5)
    yield World(database)
    await database.close()
