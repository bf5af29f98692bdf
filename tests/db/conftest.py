"""Databases as earlier versions left them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from echoic.db import migrate
from tests.databases import new_database


@pytest.fixture
def database_at(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Makes a database with the schema of one revision and no rows, and gives its URL; it is gone after the test."""
    with ExitStack() as databases:
        yield lambda revision: databases.enter_context(_database_at(postgres_server, revision))


@contextmanager
def _database_at(postgres_server: str, revision: str) -> Iterator[str]:
    with new_database(postgres_server) as url:
        with migrate._connected(url) as opened:
            migrate._change(opened, None, revision=revision)
            opened.commit()
        yield url
