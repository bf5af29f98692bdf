"""The pool on the real server: dead connections are replaced."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from echoic.db import connect
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable
from tests.waiting import PATIENCE_SECONDS


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


@pytest.mark.parametrize("trusted_seconds", [0, 3600])
async def test_a_connection_that_was_ended_while_it_rested_is_replaced_unnoticed(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, trusted_seconds: int
) -> None:
    monkeypatch.setattr(connect, "TRUSTED_SECONDS", trusted_seconds)
    await database.check()
    end_all_connections(database_url)
    await database.check()


async def test_one_that_died_in_silence_right_after_its_use_costs_one_failure(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "TRUSTED_SECONDS", 3600)
    monkeypatch.setattr(connect, "_was_heard", lambda _: False)
    await database.check()
    end_all_connections(database_url)
    with pytest.raises(DatabaseUnavailable):
        await database.check()
    await database.check()


async def test_a_transaction_whose_process_was_halted_lets_go_of_its_locks(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "IDLE_TRANSACTION_SECONDS", 1)
    key = {"key": 1}

    async def halt() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
            # Nothing more comes from here.
            async with await psycopg.AsyncConnection.connect(database_url) as other:
                await asyncio.wait_for(other.execute("SELECT pg_advisory_xact_lock(%(key)s)", key), PATIENCE_SECONDS)
            await session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await halt()
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


@asynccontextmanager
async def over_tcp(url: str) -> AsyncIterator[str]:
    """A URL of the same database on a port of this machine."""
    at = conninfo_to_dict(url)

    relays: list[asyncio.Task[None]] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(f"{at['host']}/.s.PGSQL.{at.get('port', 5432)}")
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.append(asyncio.create_task(relay(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://{at['user']}@127.0.0.1:{port}/{at['dbname']}"
        # Each ends when its client has gone; until Python 3.12 no server waits for that.
        await asyncio.gather(*relays)


@pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")
async def test_a_connection_to_a_machine_that_is_gone_ends_within_half_a_minute(database_url: str) -> None:
    async with over_tcp(database_url) as url:
        database = Database(url, pool_size=1)
        async with database.transaction() as session:
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            with socket.socket(fileno=os.dup(driver.fileno())) as line:
                idle, every, times, unanswered = (
                    line.getsockopt(socket.IPPROTO_TCP, option)
                    for option in (
                        socket.TCP_KEEPIDLE,
                        socket.TCP_KEEPINTVL,
                        socket.TCP_KEEPCNT,
                        socket.TCP_USER_TIMEOUT,
                    )
                )
        await database.close()
    assert idle + every * times <= 30
    assert 0 < unanswered <= 30_000
