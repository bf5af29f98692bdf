"""What is noted of the loops in the background, by several processes."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from echoic.db import loops
from echoic.db.connect import Database
from echoic.db.loops import FRESH_SECONDS, LoopNotes
from echoic.upkeep import LoopState


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=2)
    yield database
    await database.close()


async def known(database: Database) -> list[tuple[str, int, bool]]:
    """Name, failures, and whether it keeps failing."""
    async with database.transaction() as session:
        return [(loop.name, loop.failures, loop.keeps_failing) for loop in await loops.list_loops(session)]


async def test_failures_of_all_processes_are_added_up(database: Database) -> None:
    one, other = LoopNotes(database), LoopNotes(database)
    await one("recovery", LoopState(failures=1, failed_in_a_row=1, error="x"))
    await one("recovery", LoopState(failures=3, failed_in_a_row=3, error="x"))
    assert await known(database) == [("recovery", 3, True)]
    await other("recovery", LoopState(failures=2, failed_in_a_row=2, error="y"))
    assert await known(database) == [("recovery", 5, False)]
    await one("recovery", LoopState(failures=3))
    await one("sweep", LoopState())
    assert await known(database) == [
        ("recovery", 5, False),
        ("sweep", 0, False),
    ]


async def test_since_when_a_loop_fails_is_kept_until_it_recovers(database: Database) -> None:
    async def since() -> object:
        async with database.transaction() as session:
            return await session.scalar(text("SELECT failing_since FROM loops"))

    notes = LoopNotes(database)
    await notes("sweep", LoopState(failures=1, failed_in_a_row=1, error="x"))
    first = await since()
    await notes("sweep", LoopState(failures=2, failed_in_a_row=2, error="x"))
    assert first is not None
    assert await since() == first
    await notes("sweep", LoopState(failures=2))
    assert await since() is None


async def test_a_loop_that_was_stopped_while_it_failed_is_not_called_failing_for_ever(database: Database) -> None:
    await LoopNotes(database)("sweep", LoopState(failures=9, failed_in_a_row=9, error="x"))
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE loops SET noted_at = now() - make_interval(secs => :age)"), {"age": FRESH_SECONDS + 1}
        )
    assert await known(database) == [("sweep", 9, False)]
