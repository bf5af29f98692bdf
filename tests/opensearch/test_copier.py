"""What changes in PostgreSQL comes to the copy in OpenSearch once, whichever process dies at whatever moment."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from echoic.db.items import items
from echoic.db.search import copies, index_write
from echoic.db.search.copied_entries import entries_of
from echoic.db.search.copies import Held
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import FoundMention
from echoic.errors import SearchUnavailable
from echoic.opensearch import copier as copying
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.copier import Copier, bring_up_to_date
from echoic.opensearch.documents import NO_REFRESH, REFRESH
from echoic.opensearch.engine import OpenSearchIndex
from echoic.upkeep import Upkeep
from tests.factories import World, segment, talk
from tests.opensearch.copied import CopiedIndex, copied_index, documents, found_by, needs_opensearch, searched
from tests.waiting import until

pytestmark = needs_opensearch

NOWHERE = "http://127.0.0.1:9"


async def rebuilt(copied: CopiedIndex) -> list[Any]:
    """The documents of an index that is made of what PostgreSQL holds now."""
    copy = await copied.copier.begin()
    assert copy is not None
    await copied.catch_up()
    return await documents(copied.client, copied.names.index(copy))


@asynccontextmanager
async def loops_of(copied: CopiedIndex) -> AsyncIterator[None]:
    upkeep = Upkeep()
    upkeep.add("outbox", copied.copier.write_due, every_seconds=copying.INTERVAL_SECONDS, busy=True)
    async with upkeep.kept():
        yield


async def test_what_was_committed_is_found_by_itself(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()

    async def found() -> bool:
        return await found_by(copied, tenant, "deadline") == ["the deadline"]

    await copied.catch_up()
    async with loops_of(copied):
        await world.item(tenant.dataset_id, talk("the deadline"))
        await until(found, "the item is found")


async def test_an_index_is_refreshed_once_searches_ask_it_and_not_while_it_is_loaded(
    copied: CopiedIndex, world: World
) -> None:
    tenant = await world.tenant()
    for _ in range(copying.ITEMS_AT_ONCE + 1):
        await world.item(tenant.dataset_id, talk("the deadline"))
    await copied.catch_up()
    copy = await copied.copier.begin()
    assert copy is not None
    index = copied.names.index(copy)
    await copied.copier.write_due()
    assert await copied.client.refresh_interval(index) == NO_REFRESH
    await copied.catch_up()
    assert await copied.client.refresh_interval(index) == REFRESH
    await copied.client.set_refresh_interval(index, NO_REFRESH)  # as an earlier version leaves it
    await copied.copier.ensure()
    assert await copied.client.refresh_interval(index) == REFRESH
    await copied.client.set_refresh_interval(index, "5s")  # as somebody may choose
    await copied.copier.ensure()
    assert await copied.client.refresh_interval(index) == "5s"
    assert await copied.client.refresh_interval(f"{index}-2") is None


async def test_every_change_that_searches_see_comes_to_the_copy(copied: CopiedIndex, world: World) -> None:
    one, other = await world.tenant(), await world.tenant()
    ids = [await world.item(one.dataset_id, talk(f"river {n}", "bridge", speaker="S1")) for n in range(8)]
    await copied.catch_up()
    assert len(await found_by(copied, one, "river")) == 8
    async with world.database.transaction() as session:
        rows = {}
        for item_id in ids:
            item = await items.get_item(session, item_id)
            assert item is not None
            assert item.transcript_id is not None
            rows[item_id] = (item, (await transcripts.list_segments(session, item.transcript_id))[0])
        renamed, corrected, moved, hidden, labeled, named, mentioned, deleted = (rows[item_id] for item_id in ids)
        renamed[0].title = "A lantern"
        await index_write.index_title(session, item=renamed[0])
        corrected[1].text = "a harbor"
        await session.flush()
        await index_write.index_transcript(session, transcript_id=corrected[1].transcript_id, changed=[0])
        moved[0].dataset_id = other.dataset_id
        hidden[0].status = "failed"
        labeled[1].speaker, labeled[1].quality, labeled[1].confidence = "Somebody", "doubtful", 0.25
        speaker = await session.scalar(
            text("INSERT INTO speakers (library_id, name) VALUES (:library, 'Ada') RETURNING id"),
            {"library": one.library_id},
        )
        await session.execute(
            text(
                "INSERT INTO item_speakers (item_id, transcript_id, label, speaker_id, how) "
                "VALUES (:item, :transcript, 'S1', :speaker, 'by_hand')"
            ),
            {"item": named[0].id, "transcript": named[0].transcript_id, "speaker": speaker},
        )
        mention = FoundMention(
            type="place", name="Delta", segment_id=mentioned[1].id, start=0, end=1, text="Delta", confidence=None
        )
        await entities.replace_entities(
            session, item_id=mentioned[0].id, transcript_id=mentioned[1].transcript_id, found=[mention]
        )
        await items.delete_item(session, deleted[0].id)
    await copied.catch_up()
    assert await found_by(copied, one, "river") == ["river 0", "river 4", "river 5", "river 6"]
    assert await found_by(copied, other, "river") == ["river 2"]
    assert await found_by(copied, one, "lantern OR harbor") == ["A lantern", "a harbor"]
    now = await documents(copied.client, copied.names.alias)
    assert now == await rebuilt(copied)
    assert len(now) == 6 * 3
    (told,) = [fields for number, _, fields in now if number == f"{ids[6]}:0"]
    assert told["entity_names"] == ["delta"]


async def test_an_item_that_grew_shorter_leaves_nothing_behind(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk(*["river"] * 5))
    await copied.catch_up()
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        for row in (await transcripts.list_segments(session, item.transcript_id))[2:]:
            await session.delete(row)
        await session.flush()
        await index_write.index_transcript(session, transcript_id=item.transcript_id)
    await copied.catch_up()
    assert len(await documents(copied.client, copied.names.alias)) == 3


async def test_a_process_that_comes_late_changes_nothing(
    copied: CopiedIndex, world: World, as_owner: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read the item, and its lease ended before it wrote; then another wrote what the item became."""
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk(*["river"] * 5))
    write = copied.client.write

    async def late(alias: str, lines: Any) -> dict[str, str]:
        monkeypatch.setattr(copied.client, "write", write)
        as_owner("UPDATE search_changes SET leased_until = now() - interval '1 second'")
        async with world.database.transaction() as session:
            await items.delete_item(session, item_id)
        while await copied.copier.write_due():
            pass
        return await write(alias, lines)

    monkeypatch.setattr(copied.client, "write", late)
    await copied.catch_up()
    assert await documents(copied.client, copied.names.pattern) == []


async def test_who_lost_its_lease_before_it_writes_does_not_write(
    copied: CopiedIndex, world: World, as_owner: Callable[..., None]
) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("river"))
    async with world.database.transaction() as session:
        (claimed,) = await copies.claim(session, number=1, lease_seconds=60)
        assert await copies.claim(session, number=1, lease_seconds=60) == []
    as_owner("UPDATE search_changes SET leased_until = now() - interval '1 second'")
    async with world.database.transaction() as session:
        (other,) = await copies.claim(session, number=1, lease_seconds=60)
        entries = await entries_of(session, item_id)
        assert entries is not None
        held = Held(library_id=entries.library_id, places=entries.places)
        assert await copies.expect(session, claimed, held, lease_seconds=60) is None
        assert await copies.expect(session, other, held, lease_seconds=60) == [held]
        await copies.written(session, claimed, held)
        assert await copies.count_waiting(session, claimed.copy.id) == 1


@pytest.mark.processes
async def test_nothing_is_lost_or_doubled_by_processes_that_are_killed(
    copied: CopiedIndex, world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, as_owner: Callable[..., None]
) -> None:
    tenant, draw = await world.tenant(), random.Random(7)
    command = [sys.executable, "-m", "tests.opensearch.copying", database_url, copied.names.prefix]
    ids: list[int] = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            await process.stdout.readline()
            for number in range(draw.randint(3, 25)):
                ids.append(await world.item(tenant.dataset_id, [segment(f"river {number}")] * 3))
                if number % 4 == 3:
                    async with world.database.transaction() as session:
                        await items.delete_item(session, ids.pop(draw.randrange(len(ids))))
        finally:
            process.kill()
            await process.wait()
        # The leases of the dead end.
        as_owner("UPDATE search_changes SET leased_until = now() - interval '1 second' WHERE lease IS NOT NULL")
    await copied.catch_up()
    now = await documents(copied.client, copied.names.alias)
    assert len(now) == len({number for number, _, _ in now}) == 4 * len(ids)
    assert now == await rebuilt(copied)


async def test_while_it_is_away_changes_wait_and_searches_say_so(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    await copied.catch_up()
    away = OpenSearchClient(NOWHERE)
    await world.item(tenant.dataset_id, talk("the deadline"))
    try:
        with pytest.raises(SearchUnavailable):
            await Copier(world.database, away, copied.names).write_due()
        with pytest.raises(SearchUnavailable):
            await searched(OpenSearchIndex(world.database, away, copied.names), tenant, "deadline")
        instead = OpenSearchIndex(world.database, away, copied.names, fall_back=True)
        assert await searched(instead, tenant, "deadline") == ["the deadline"]
    finally:
        await away.close()
    await copied.catch_up()
    assert await found_by(copied, tenant, "deadline") == ["the deadline"]


async def test_a_process_that_is_stopped_gives_back_what_it_took(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, writing = await world.tenant(), asyncio.Event()
    await world.item(tenant.dataset_id, talk("the deadline"))
    write = copied.client.write

    async def never(alias: str, lines: Any) -> None:
        writing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(copied.client, "write", never)
    round_of_work = asyncio.create_task(copied.copier.write_due())
    await writing.wait()
    round_of_work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await round_of_work
    monkeypatch.setattr(copied.client, "write", write)
    await copied.catch_up()
    assert await found_by(copied, tenant, "deadline") == ["the deadline"]


async def test_a_copy_that_is_not_loaded_yet_is_not_asked(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    with pytest.raises(SearchUnavailable):
        await found_by(copied, tenant, "river")
    await copied.catch_up()
    assert await found_by(copied, tenant, "river") == []


async def test_searches_go_on_while_everything_is_copied_again(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    for number in range(12):
        await world.item(tenant.dataset_id, talk(f"river {number}"))
    await copied.catch_up()
    former = await copied.client.indices_of(copied.names.pattern)
    copy = await copied.copier.begin()
    assert copy is not None
    await world.item(tenant.dataset_id, talk("a new river"))
    await copied.copier.write_due()
    await copied.client.refresh(copied.names.pattern)
    assert len(await found_by(copied, tenant, "river")) == 13
    assert len(await copied.client.indices_of(copied.names.pattern)) == 2
    await copied.catch_up()
    assert len(await found_by(copied, tenant, "river")) == 13
    assert await copied.client.indices_of(copied.names.pattern) == [copied.names.index(copy)] != former


async def test_a_cluster_that_lost_the_index_gets_a_new_one(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    await copied.catch_up()
    await copied.client.delete_index(copied.names.pattern)
    await world.item(tenant.dataset_id, talk("another deadline"))
    with pytest.raises(SearchUnavailable):
        await copied.copier.write_due()
    await copied.copier.ensure()
    await copied.catch_up()
    assert await found_by(copied, tenant, "deadline") == ["another deadline", "the deadline"]


async def test_an_index_that_is_lost_while_it_is_loaded_is_loaded_from_the_start(world: World) -> None:
    tenant = await world.tenant()
    number = copying.ITEMS_AT_ONCE + 2
    for _ in range(number):
        await world.item(tenant.dataset_id, talk("river"))
    async with copied_index(world.database) as copied:
        await copied.copier.write_due()
        assert await copied.copier.waiting() == 2
        await copied.client.delete_index(copied.names.pattern)
        await copied.copier.ensure()
        await copied.catch_up()
        assert await found_by(copied, tenant, "river") == ["river"] * number


async def test_nothing_is_written_before_the_index_is_there(
    copied: CopiedIndex, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes sooner would take it for one without embeddings, and note items that it cannot hold."""
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("river"))
    await copied.catch_up()
    create = copied.client.create_index

    async def late(name: str, body: Any) -> None:
        with pytest.raises(SearchUnavailable):
            await copied.copier.write_due()
        monkeypatch.setattr(copied.client, "create_index", create)
        await copied.copier.ensure()  # as another server does
        await create(name, body)

    monkeypatch.setattr(copied.client, "create_index", late)
    copy = await copied.copier.begin()
    assert copy is not None
    await copied.catch_up()
    assert await copied.client.indices_of(copied.names.pattern) == [copied.names.index(copy)]
    (_, _, title), (_, _, spoken) = await documents(copied.client, copied.names.alias)
    assert "model" in spoken
    assert "model" not in title


async def test_a_change_that_does_not_know_of_a_new_copy_is_waited_for(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    item_id = await world.item(tenant.dataset_id, talk("words"), title="Before")
    await copied.catch_up()
    async with world.database.transaction() as session:
        await session.execute(text("UPDATE items SET title = 'After' WHERE id = :id"), {"id": item_id})
        item = await items.get_item(session, item_id)
        assert item is not None
        await index_write.index_title(session, item=item)
        begun = asyncio.create_task(copied.copier.begin())

        async def waits() -> bool:
            async with world.database.transaction() as other:
                return bool(await other.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

        await until(waits, "the new copy waits for the change")
    await begun
    await copied.catch_up()
    assert await found_by(copied, tenant, "after") == ["After"]


async def test_what_is_hidden_from_a_reader_is_not_found(copied: CopiedIndex, world: World) -> None:
    policy = {"kinds": ["person"], "words": [], "original_roles": ["owner"]}
    owner, stranger = await world.tenant(visibility="public", redaction=policy), await world.tenant()
    await world.item(owner.dataset_id, talk("Ada came late"))
    await copied.catch_up()
    assert await found_by(copied, owner, "late") == ["Ada came late"]
    assert await found_by(copied, stranger, "late") == []


async def test_without_a_copy_nothing_is_noted(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("words"))
    async with world.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM search_changes")) == 0


async def test_reindexing_makes_a_new_index_and_says_how_far_it_is(copied: CopiedIndex, world: World) -> None:
    tenant = await world.tenant()
    for number in range(3):
        await world.item(tenant.dataset_id, talk(f"river {number}"))
    await copied.catch_up()
    (former,) = await copied.client.indices_of(copied.names.pattern)
    told: list[tuple[int, int]] = []
    await bring_up_to_date(copied.copier, everything=False, on_progress=lambda *far: told.append(far))
    assert (told, await copied.client.indices_of(copied.names.pattern)) == ([], [former])
    await bring_up_to_date(copied.copier, everything=True, on_progress=lambda *far: told.append(far))
    assert told[0] == (0, 3)
    assert await copied.client.indices_of(copied.names.pattern) != [former]
    assert len(await found_by(copied, tenant, "river")) == 3
