"""The index of words follows every correction in the same call."""

import random
from typing import Any

import httpx
from sqlalchemy import select

from echoic.compose import Components
from echoic.db.search import index_write
from echoic.db.search.index import SearchEntry
from tests.api.talk import talk_of
from tests.factories import World


async def test_search_finds_what_is_said_now_and_no_more_what_was_said(client: httpx.AsyncClient, world: World) -> None:
    said = await talk_of(client, world, "good morning", "the quarterly raport", "thanks")
    assert await said.found("raport") == ["the quarterly raport"]
    await said.change_one(1, text="the quarterly figures")
    assert await said.found("raport") == []
    assert await said.found("figures") == ["the quarterly figures"]
    # A phrase over the end of the segment before, and one that was there.
    assert await said.found('"good morning the quarterly figures thanks"') == ["good morning"]
    await said.change_one(2, text="bye")
    assert await said.found('"quarterly figures bye"') == ["the quarterly figures"]
    assert await said.found('"figures thanks"') == []
    await said.post("versions/0/restore")
    assert await said.found("raport") == ["the quarterly raport"]
    assert await said.found('"raport thanks"') == ["the quarterly raport"]


async def test_the_index_after_many_edits_is_the_one_that_the_texts_would_give_anew(
    client: httpx.AsyncClient, world: World, components: Components
) -> None:
    rng = random.Random(1)
    said = await talk_of(client, world, *(f"word{number} and more" for number in range(80)))

    def changed(place: int) -> dict[str, Any]:
        return {"id": place, "text": rng.choice(["", "", "one", f"other{place} words here now"]), "speaker": "Ben"}

    for _ in range(6):
        start = rng.randrange(50)
        places = {*range(start, start + 25), rng.randrange(80), 0, 79}
        assert (await said.change(*map(changed, sorted(places)))).status_code == 200
        assert await entries(components) == await entries(components, anew_for=said.item_id)


async def entries(components: Components, *, anew_for: int | None = None) -> list[tuple[int, str]]:
    async with components.database.transaction() as session:
        if anew_for is not None:
            await index_write.index_item(session, item_id=anew_for)
        rows = await session.execute(select(SearchEntry.position, SearchEntry.vector).order_by(SearchEntry.position))
        return [(row[0], str(row[1])) for row in rows]
