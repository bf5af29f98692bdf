"""Work done aside: in another thread, with connections of its own, and what it raises comes back."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from echoic.db.aside import AT_ONCE, Aside
from echoic.db.connect import Database
from echoic.db.replica import Reads
from echoic.errors import DatabaseUnavailable, ItemNotFound
from tests.waiting import until


@pytest.fixture
async def aside(database_url: str) -> AsyncIterator[Aside]:
    opened = Aside(lambda size: Reads(Database(database_url, pool_size=size)))
    yield opened
    await opened.close()


async def test_work_runs_in_a_thread_of_its_own_and_commits(aside: Aside) -> None:
    async def make(database: Database) -> str:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO accounts (name, plan) VALUES ('Aside', 'free')"))
        return threading.current_thread().name

    async def read(database: Database) -> object:
        async with database.transaction() as session:
            return await session.scalar(text("SELECT name FROM accounts"))

    assert threading.current_thread().name != await aside.run(make) == "aside"
    assert await aside.run(read) == "Aside"


async def test_what_work_raises_comes_back_and_leaves_no_trace(aside: Aside) -> None:
    async def fail(database: Database) -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO accounts (name, plan) VALUES ('Aside', 'free')"))
            raise ItemNotFound

    async def count(database: Database) -> object:
        async with database.transaction() as session:
            return await session.scalar(text("SELECT count(*) FROM accounts"))

    with pytest.raises(ItemNotFound):
        await aside.run(fail)
    assert await aside.run(count) == 0


async def test_a_database_that_is_away_is_told_as_elsewhere() -> None:
    away = Aside(lambda size: Reads(Database("postgresql://nobody@127.0.0.1:1/none", pool_size=size)))

    async def ask(database: Database) -> None:
        await database.check()

    with pytest.raises(DatabaseUnavailable):
        await away.run(ask)
    await away.close()


async def test_more_work_than_there_is_room_for_waits_and_is_done(aside: Aside) -> None:
    at_once = most = 0

    async def count(database: Database) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await database.check()
        at_once -= 1

    await asyncio.gather(*(aside.run(count) for _ in range(3 * AT_ONCE)))
    assert most == AT_ONCE


async def test_work_that_nobody_waits_for_any_more_is_ended(aside: Aside) -> None:
    began, ended = threading.Event(), threading.Event()

    async def wait(_: Database) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def is_begun() -> bool:
        return began.is_set()

    async def is_ended() -> bool:
        return ended.is_set()

    waiting = asyncio.create_task(aside.run(wait))
    await until(is_begun, "the work has begun")
    waiting.cancel()
    await until(is_ended, "the work is ended")


async def test_closed_it_leaves_no_thread(database_url: str) -> None:
    unused = Aside(lambda size: Reads(Database(database_url, pool_size=size)))
    await unused.close()
    used = Aside(lambda size: Reads(Database(database_url, pool_size=size)))
    await used.run(lambda database: database.check())
    await used.close()
    assert "aside" not in {thread.name for thread in threading.enumerate()}
