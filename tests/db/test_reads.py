"""Reads outside transactions on the real server: as fresh as they come, and untroubled by connections that died."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import BigInteger, DateTime, Float, Text, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from echoic import db
from echoic.db.accounts import accounts
from echoic.db.accounts.accounts import Account
from echoic.db.connect import Database
from echoic.db.reads import Query, StatementPool
from echoic.errors import DatabaseUnavailable
from tests.waiting import until

BACKEND = Query(select(func.pg_backend_pid()))
ACCOUNTS = Query(select(Account.name).where(or_(Account.plan == "free", Account.plan == "100%")).order_by(Account.id))
SLEEP = Query(select(func.pg_backend_pid(), func.pg_sleep(bindparam("seconds", type_=Float))))
POOL_SIZE = 2
MANY = 20


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=POOL_SIZE)
    yield opened
    await opened.close()


def other_backends(url: str, what: str) -> list[tuple[object, ...]]:
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(f"SELECT {what} {others}").fetchall()


async def test_constants_within_a_statement_are_kept_and_a_read_sees_what_was_committed_before_it(
    database: Database,
) -> None:
    assert await database.read(ACCOUNTS) == []
    for name, plan in (("Ada", "free"), ("Ben", "pro"), ("Cem", "100%")):
        async with database.transaction() as session:
            await accounts.create_account(session, name=name, plan=plan)
        assert ("Ada",) in await database.read(ACCOUNTS)
    assert await database.read(ACCOUNTS) == [("Ada",), ("Cem",)]


async def test_a_parameter_that_is_a_list_is_refused_when_the_query_is_asked(database: Database) -> None:
    with pytest.raises(ValueError, match="list"):
        await database.read(Query(select(Account.name).where(Account.plan.in_(["free"]))))


def test_every_query_that_a_module_holds_can_be_asked() -> None:
    modules = [one.name for one in pkgutil.walk_packages(db.__path__, "echoic.db.") if ".migrations" not in one.name]
    values = [value for name in modules for value in vars(importlib.import_module(name)).values()]
    values += [value for one in values if isinstance(one, dict) for value in one.values()]
    queries = {value for value in values if isinstance(value, Query)}
    assert len(queries) > MANY
    assert all(query.text for query in queries)


async def test_columns_come_as_a_session_gives_them(database: Database) -> None:
    statement = select(
        bindparam("number", type_=BigInteger),
        bindparam("names", type_=ARRAY(Text)),
        bindparam("share", type_=Float),
        func.now(type_=DateTime(timezone=True)) - func.now(type_=DateTime(timezone=True)),
        bindparam("nothing", type_=Text),
    )
    given = {"number": 2**40, "names": ["a", "b'c"], "share": 0.1, "nothing": None}
    async with database.transaction() as session:
        expected = [tuple(row) for row in await session.execute(statement, given)]
    assert await database.read(Query(statement), **given) == expected


async def test_one_connection_serves_one_after_the_other(database: Database) -> None:
    first = await database.read(BACKEND)
    assert [await database.read(BACKEND) for _ in range(3)] == [first] * 3


async def test_connections_that_died_at_rest_are_replaced_unnoticed(database: Database, database_url: str) -> None:
    rows = await asyncio.gather(*(database.read(SLEEP, seconds=0.05) for _ in range(POOL_SIZE)))
    died = {row[0][0] for row in rows}
    assert len(died) == POOL_SIZE
    assert len(other_backends(database_url, "pg_terminate_backend(pid, 5000)")) == POOL_SIZE
    for _ in range(POOL_SIZE):
        ((backend,),) = await database.read(BACKEND)
        assert backend not in died


async def test_more_readers_than_connections_wait_their_turn(database: Database, database_url: str) -> None:
    rows = await asyncio.gather(*(database.read(SLEEP, seconds=0.01) for _ in range(5 * POOL_SIZE)))
    assert len({row[0][0] for row in rows}) <= POOL_SIZE
    assert len(other_backends(database_url, "pid")) <= POOL_SIZE


async def test_who_finds_all_connections_busy_for_too_long_is_told(database_url: str) -> None:
    pool = StatementPool(database_url, size=1, wait_seconds=0.05)
    busy = asyncio.create_task(pool.rows(SLEEP, {"seconds": 30.0}))
    await asyncio.sleep(0)  # it has the only place now
    with pytest.raises(DatabaseUnavailable):
        await pool.rows(BACKEND, {})
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    assert await pool.rows(BACKEND, {})
    await pool.close()


async def test_a_read_that_is_given_up_ends_in_the_server_too(database: Database, database_url: str) -> None:
    reading = asyncio.create_task(database.read(SLEEP, seconds=30.0))

    def is_asleep() -> bool:
        return ("PgSleep",) in other_backends(database_url, "wait_event")

    await until(lambda: asyncio.to_thread(is_asleep), "the server sleeps")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await database.read(BACKEND)
    assert not is_asleep()


async def test_a_statement_that_fails_leaves_its_connection_usable(database: Database) -> None:
    before = await database.read(BACKEND)
    with pytest.raises(psycopg.DataError):
        await database.read(Query(select(func.sqrt(bindparam("number", type_=Float)))), number=-1.0)
    assert await database.read(BACKEND) == before


async def test_a_server_that_is_away_is_named_at_once() -> None:
    away = Database("postgresql://nobody@/none?host=/nonexistent", pool_size=1)
    async with asyncio.timeout(5):
        with pytest.raises(DatabaseUnavailable):
            await away.read(BACKEND)
    await away.close()
