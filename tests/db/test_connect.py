"""The pool on the real server: dead connections are replaced."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text

from echoic.db import connect
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=1)
    yield opened
    await opened.close()


def end_all_connections(url: str) -> None:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}").fetchall()
    assert ended == [(True,)]


async def test_a_connection_that_died_while_it_rested_is_replaced_unnoticed(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "TRUSTED_SECONDS", 0)
    await database.check()
    end_all_connections(database_url)
    await database.check()


async def test_one_that_was_just_used_is_not_asked_and_costs_one_failure(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "TRUSTED_SECONDS", 3600)
    await database.check()
    end_all_connections(database_url)
    with pytest.raises(DatabaseUnavailable):
        await database.check()
    await database.check()


async def test_a_server_that_takes_reads_alone_is_left_for_another_one(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM loops"))

    async with database.transaction() as session:
        await session.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    with pytest.raises(DatabaseUnavailable):
        await write()
    await write()
