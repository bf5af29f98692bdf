"""The memory of stems, shared by all searches of a process."""

import asyncio

import pytest

from echoic.db.search import stems
from echoic.db.search.stems import StemMemory
from tests.factories import World

MANY = 100_000


async def test_a_full_memory_is_cleared_without_harm_to_a_search_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stems, "MAX_REMEMBERED", 2)
    memory = StemMemory()

    async def ask(*words: str) -> dict[str, str | None]:
        async with world.database.transaction() as session:
            return await memory.of(session, "english_stem", words)

    # At once, so that two connections are open.
    closing, the = await asyncio.gather(ask("closing"), ask("the"))
    assert closing | the == {"closing": "close", "the": None}
    slow = asyncio.create_task(ask("closing", *(f"word{number}" for number in range(MANY))))
    await asyncio.sleep(0)  # it has begun
    await ask("doors")
    await ask("windows")
    assert not slow.done()
    found = await slow
    assert (found["closing"], len(found)) == ("close", MANY + 1)
