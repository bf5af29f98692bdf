"""Databases as earlier versions left them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psycopg
import pytest

from echoic.db import migrate


@pytest.fixture
def database_at(postgres_server: str) -> Iterator[Callable[[str], str]]:
    """Makes a database with the schema of one revision and no rows, and gives its URL; it is gone after the test."""
    with ExitStack() as databases:
        yield lambda revision: databases.enter_context(_database_at(postgres_server, revision))


@contextmanager
def _database_at(postgres_server: str, revision: str) -> Iterator[str]:
    name = f"old_{uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            url = postgres_server.replace("/echoic?", f"/{name}?", 1)
            with migrate._connected(url) as opened:
                migrate._change(opened, None, revision=revision)
                opened.commit()
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
