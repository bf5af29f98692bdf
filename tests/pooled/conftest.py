"""A database that is reached through a pgbouncer, and past it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from echoic.db.connect import Database
from echoic.postgres import ROLE
from tests.conftest import as_role
from tests.databases import Databases
from tests.folders import passable_folder
from tests.pgbouncer import Pooler


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture
def direct_url(databases: Databases) -> Iterator[str]:
    """The URL of a database past the pool."""
    name = databases.take()
    yield as_role(databases.url(name), ROLE)
    databases.give_back(name, changed=False)


@pytest.fixture
def database_url(pgbouncer: Pooler, direct_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the same database through the pool. Processes that the test starts find the other in their settings."""
    monkeypatch.setenv("ECHOIC_DATABASE_DIRECT_URL", direct_url)
    return pgbouncer.url(urlsplit(direct_url).path.removeprefix("/"))


@pytest.fixture
async def database(database_url: str, direct_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=4, direct_url=direct_url)
    yield database
    await database.close()
