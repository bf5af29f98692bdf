"""Requests per minute on the real server: how many pass, when the next one may, and that all servers count together."""

import asyncio
import math
import time
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import text

from echoic.accounts.rate_limit import SECOND_NS, admit
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable, RateLimited
from tests.factories import World

HOUR_SECONDS = 3600.0
AT_ONCE = 100


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The database as another server has it open."""
    opened = Database(database_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def account_id(database: Database) -> int:
    return (await World(database).tenant()).account_id


async def passes(database: Database, account_id: int, per_minute: int | None) -> bool:
    try:
        await admit(database, account_id, per_minute)
    except RateLimited:
        return False
    return True


async def admitted(database: Database, tries: int, account_id: int, *, per_minute: int | None = 3) -> int:
    """How many of so many requests pass, one after the other."""
    return sum([await passes(database, account_id, per_minute) for _ in range(tries)])


async def let_pass(database: Database, seconds: float) -> None:
    """As if so much time had passed."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE request_rates SET until_ns = until_ns - :passed"), {"passed": round(seconds * SECOND_NS)}
        )


async def rows(database: Database) -> int | None:
    async with database.transaction() as session:
        found: int | None = await session.scalar(text("SELECT count(*) FROM request_rates"))
    return found


@pytest.mark.parametrize("per_minute", [1, 3, 7])
async def test_a_minutes_worth_passes_at_once_and_not_one_more(
    database: Database, account_id: int, per_minute: int
) -> None:
    assert await admitted(database, per_minute + 5, account_id, per_minute=per_minute) == per_minute


async def test_then_one_passes_for_each_part_of_a_minute(database: Database, account_id: int) -> None:
    await admitted(database, 3, account_id)
    await let_pass(database, 10)
    assert await admitted(database, 3, account_id) == 0
    await let_pass(database, 10)
    assert await admitted(database, 3, account_id) == 1
    await let_pass(database, 60)
    assert await admitted(database, 5, account_id) == 3


async def test_whoever_waits_as_long_as_told_gets_through(database: Database, account_id: int) -> None:
    await admitted(database, 3, account_id)
    await let_pass(database, 2.5)
    with pytest.raises(RateLimited) as refused:
        await admit(database, account_id, 3)
    told = refused.value.retry_after_seconds
    assert 15 <= told <= 18
    await let_pass(database, told)
    assert await admitted(database, 2, account_id) == 1


async def test_of_many_at_once_at_two_servers_as_many_pass_as_the_plan_says(
    database: Database, other: Database, account_id: int
) -> None:
    per_minute, began = 10, time.monotonic()
    asked = (passes(server, account_id, per_minute) for _ in range(AT_ONCE // 2) for server in (database, other))
    passed = sum(await asyncio.gather(*asked))
    # One more for every six seconds, should the machine take so long.
    assert per_minute <= passed <= per_minute + math.floor((time.monotonic() - began) * per_minute / 60)


async def test_a_server_that_starts_again_goes_on_counting(
    database: Database, other: Database, account_id: int
) -> None:
    assert await admitted(database, 2, account_id) == 2
    await database.close()
    assert await admitted(other, 5, account_id) == 1


async def test_accounts_count_for_themselves_and_their_rows_go_with_them(database: Database) -> None:
    world = World(database)
    ids = [(await world.tenant()).account_id for _ in range(2)]
    assert [await admitted(database, 5, account_id) for account_id in ids] == [3, 3]
    assert await rows(database) == 2
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM accounts WHERE id = :id"), {"id": ids[0]})
    assert await rows(database) == 1


async def test_of_an_account_without_a_limit_the_database_is_not_asked() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    await admit(nowhere, 1, None)
    with pytest.raises(DatabaseUnavailable):
        await admit(nowhere, 1, 3)


async def test_a_plan_that_changes_counts_from_then_on(database: Database, account_id: int) -> None:
    assert await admitted(database, 5, account_id) == 3
    await let_pass(database, 35)
    assert await admitted(database, 3, account_id, per_minute=1) == 0
    assert await admitted(database, 5, account_id, per_minute=10) == 5


async def test_a_clock_that_was_set_back_shuts_nobody_out(database: Database, account_id: int) -> None:
    await admitted(database, 3, account_id)
    await let_pass(database, -HOUR_SECONDS)
    assert await admitted(database, 5, account_id) == 3


async def test_a_server_that_takes_reads_alone_counts_nothing_and_is_left(database_url: str, account_id: int) -> None:
    reading = Database(f"{database_url}&options=-c%20default_transaction_read_only%3Don", pool_size=1)
    with pytest.raises(DatabaseUnavailable):
        await admit(reading, account_id, 3)
    with psycopg.connect(database_url, autocommit=True) as connection:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO request_rates%' AND state = 'idle'"
        )
        assert connection.execute(others).fetchone() == (0,)
    await reading.close()


def test_the_rows_are_not_logged(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        kind = "SELECT relpersistence, reloptions FROM pg_class WHERE relname = 'request_rates'"
        assert connection.execute(kind).fetchone() == ("u", ["fillfactor=50"])
