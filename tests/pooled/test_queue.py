"""Statements, notifications and workers through a pgbouncer. The tests of turns and of taking jobs run through one, too."""

import os
import signal
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc, text

from echoic.accounts import rate_limit
from echoic.db import connect, migrate
from echoic.db.changes import Changes, listen
from echoic.db.connect import Database
from echoic.errors import DatabaseUnavailable, RateLimited
from tests.factories import World
from tests.pipeline.conftest import Runs, Workers
from tests.pipeline.toy import stage_pid

TIMES = 30
"""More often than the driver sees a statement before it prepares it."""
PER_MINUTE = 10
"""The same, and few enough that none is regained meanwhile."""


async def ask_often(database: Database) -> None:
    for number in range(TIMES):
        async with database.transaction() as session:
            assert await session.scalar(text("SELECT CAST(:number AS integer)"), {"number": number}) == number


async def test_no_statement_is_prepared_where_the_way_past_the_pool_is_known(
    database: Database, database_url: str
) -> None:
    async with database.transaction() as one, database.transaction() as other, database.transaction() as third:
        for session in (one, other, third):  # from now on the pool has three sessions to hand out in turn
            await session.execute(text("SELECT 1"))
    await ask_often(database)
    unaware = Database(database_url, pool_size=1)
    # Each transaction meets another session, which does not know what was prepared.
    with pytest.raises((exc.ProgrammingError, exc.InternalError, DatabaseUnavailable)):
        await ask_often(unaware)
    await unaware.close()


def test_a_pool_is_noticed_and_the_schema_can_be_looked_at_through_it(database_url: str, direct_url: str) -> None:
    assert connect.leads_through_pool(database_url)
    assert not connect.leads_through_pool(direct_url)
    migrate.verify(database_url)


async def test_requests_of_an_account_are_counted_through_the_pool(database: Database) -> None:
    account_id = (await World(database).tenant()).account_id
    for _ in range(PER_MINUTE):
        await rate_limit.admit(database, account_id, PER_MINUTE)
    with pytest.raises(RateLimited):
        await rate_limit.admit(database, account_id, PER_MINUTE)


async def test_changes_are_heard_by_a_connection_past_the_pool(database: Database, direct_url: str) -> None:
    async with listen(database) as feed:
        with psycopg.connect(direct_url, autocommit=True) as connection:
            listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND client_port = -1"
            assert connection.execute(listening).fetchone() == (1,)
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_notify('echoic_changes', 'item 7')"))
        heard = Changes()
        await feed.take(heard, wait_seconds=30)
    assert heard.items == {7}


@pytest.mark.processes
async def test_a_worker_killed_inside_a_stage_is_replaced_by_another_that_is_told_of_the_job(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    toy_runs, workers = Runs(database, tmp_path), Workers(database_url)
    try:
        first = workers.start()
        run_id = await toy_runs.start(hold=["two"])
        await toy_runs.until_held()
        os.kill(stage_pid(toy_runs.folder), signal.SIGKILL)
        first.kill()
        first.wait()
        workers.start()
        toy_runs.release()
        await toy_runs.until_state(run_id, "succeeded")
    finally:
        workers.close()
    events = await toy_runs.events(run_id)
    assert events.count(("one", "done")) == events.count(("two", "done")) == 1
