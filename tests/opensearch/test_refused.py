"""What OpenSearch refuses is told, tried again, and holds up nothing else."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from echoic.db.items import items
from echoic.db.search import index_write
from echoic.db.search.refused_items import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from echoic.db.transcripts import transcripts
from echoic.errors import SearchUnavailable
from echoic.opensearch import copier as copying
from echoic.upkeep import KEEPS_FAILING_ROUNDS, LoopState, Upkeep
from tests.factories import World, talk
from tests.opensearch.copied import OPENSEARCH_URL, CopiedIndex, copied_index, documents, found_by, needs_opensearch
from tests.waiting import until

pytestmark = needs_opensearch

TOO_LONG = "S" * 40_000
"""A label longer than the 32,766 bytes that a term of Lucene's may have."""
REASON = "400 illegal_argument_exception in 'speaker'"


async def set_segment(world: World, item_id: int, **columns: str) -> None:
    """Change the first segment of an item as a correction does."""
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        row = (await transcripts.list_segments(session, item.transcript_id))[0]
        for name, value in columns.items():
            setattr(row, name, value)
        await session.flush()
        await index_write.index_transcript(session, transcript_id=item.transcript_id, changed=[0])


def ask_index(copied: CopiedIndex, body: object) -> None:
    """Change settings of all indices of a copy, as somebody does who looks after the cluster."""
    path = f"{OPENSEARCH_URL}/{copied.names.pattern}/_settings"
    request = urllib.request.Request(
        path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


async def test_the_first_index_is_used_although_a_document_is_refused(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("a quiet river"))
    bad = await world.item(tenant.dataset_id, talk("a loud river", "a broad river"), title="Rivers")
    await set_segment(world, bad, speaker=TOO_LONG)
    await world.item(tenant.dataset_id, talk("a river at night"))
    async with copied_index(world.database) as copied:
        await copied.catch_up()
        found = ["Rivers", "a broad river", "a quiet river", "a river at night"]
        assert await found_by(copied, tenant, "river") == found
        assert await copied.refused() == [(bad, REASON)]
        assert await copied.copier.waiting() == 0


async def test_what_an_item_was_before_is_not_found_in_place_of_what_is_refused(
    copied: CopiedIndex, world: World
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a secret river", "a broad river"))
    await copied.catch_up()
    await set_segment(world, item_id, text="a harbor", speaker=TOO_LONG)
    await copied.catch_up()
    assert len(await documents(copied.client, copied.names.alias)) == 2
    assert await found_by(copied, tenant, "secret") == []
    assert await found_by(copied, tenant, "river") == ["a broad river"]


async def test_a_change_has_a_refused_item_tried_again(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a loud river"))
    await set_segment(world, item_id, speaker=TOO_LONG)
    await copied.catch_up()
    await set_segment(world, item_id, text="a louder river")
    await copied.catch_up()
    assert await copied.refused() == [(item_id, REASON)]
    await set_segment(world, item_id, speaker="S1")
    await copied.catch_up()
    assert await copied.refused() == []
    assert await found_by(copied, tenant, "river") == ["a louder river"]


async def test_an_item_that_is_gone_is_no_longer_told(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a loud river"))
    await set_segment(world, item_id, speaker=TOO_LONG)
    await copied.catch_up()
    async with world.database.transaction() as session:
        await items.delete_item(session, item_id)
    await copied.catch_up()
    assert await copied.refused() == []


async def test_without_a_change_it_is_tried_again_after_ever_longer_pauses(
    copied: CopiedIndex, world: World, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("a loud river"))
    await set_segment(world, item_id, speaker=TOO_LONG)
    pauses = []
    for _ in range(4):
        await copied.catch_up()
        async with world.database.transaction() as session:
            left = "SELECT extract(epoch FROM again_at - clock_timestamp()) FROM search_refused_items"
            pauses.append(float(await session.scalar(text(left)) or 0))
        as_owner("UPDATE search_refused_items SET again_at = now() - interval '1 second'")
    assert [round(pause / FIRST_PAUSE_SECONDS) for pause in pauses] == [1, 2, 4, 8]
    as_owner("UPDATE search_refused_items SET times = 500")
    await copied.catch_up()
    async with world.database.transaction() as session:
        longest = await session.scalar(text("SELECT max(again_at) - clock_timestamp() FROM search_refused_items"))
    assert longest is not None
    assert longest.total_seconds() <= LONGEST_PAUSE_SECONDS
    as_owner(
        "UPDATE segments SET speaker = NULL",
        "DELETE FROM search_changes",  # as if nobody had noted it
        "UPDATE search_refused_items SET again_at = now() - interval '1 second'",
    )
    await copied.catch_up()
    assert await found_by(copied, tenant, "river") == ["a loud river"]
    assert await copied.refused() == []


async def test_a_loop_says_which_items_are_refused_and_others_do_not_wait(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    ids = [await world.item(tenant.dataset_id, talk(f"river {n}")) for n in range(5)]
    for item_id in ids:
        await set_segment(world, item_id, speaker=TOO_LONG)
    told: dict[str, LoopState] = {}

    async def tell(name: str, state: LoopState) -> None:
        told[name] = replace(state)

    async def keeps_failing() -> bool:
        return "search_refused" in told and told["search_refused"].failed_in_a_row >= KEEPS_FAILING_ROUNDS

    async def found() -> bool:
        await copied.client.refresh(copied.names.pattern)
        return await found_by(copied, tenant, "harbor") == ["a harbor"]

    await copied.catch_up()
    upkeep = Upkeep(tell)
    upkeep.add("search_outbox", copied.copier.write_due, every_seconds=copying.INTERVAL_SECONDS, busy=True)
    upkeep.add("search_refused", copied.copier.tell_refused, every_seconds=0.1, longest_wait_seconds=0.1)
    async with upkeep.kept():
        await until(keeps_failing, "the loop keeps failing")
        await world.item(tenant.dataset_id, talk("a harbor"))
        await until(found, "the item is found")
    named = ", ".join(f"item {item_id} ({REASON})" for item_id in ids[:3])
    assert told["search_refused"].error == (
        f"OpenSearch lacks a part of {named} and 2 more: searches do not find what is said there."
    )
    assert told["search_outbox"].error is None


@pytest.mark.parametrize("block", ["index.blocks.write", "index.blocks.read_only_allow_delete"])
async def test_an_index_that_takes_no_writes_is_no_fault_of_the_items(
    copied: CopiedIndex, world: World, block: str
) -> None:
    """It says so by 403; by 429 where OpenSearch did it by itself, since its disk was full."""
    tenant = await world.tenant()
    await copied.catch_up()
    ask_index(copied, {block: True})
    await world.item(tenant.dataset_id, talk("a quiet river"))
    with pytest.raises(SearchUnavailable):
        await copied.copier.write_due()
    assert (await copied.refused(), await copied.copier.waiting()) == ([], 1)
    ask_index(copied, {block: None})
    await copied.catch_up()
    assert await found_by(copied, tenant, "river") == ["a quiet river"]
