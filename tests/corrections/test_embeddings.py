"""What corrected segments mean is made anew, and never from a text that is no longer there."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Literal

import httpx
import pytest
from sqlalchemy import func, select

from echoic.compose import Components
from echoic.corrections import embeddings
from echoic.corrections.embeddings import INTERVAL_SECONDS, embed_corrected, embed_outdated
from echoic.db.search import outdated_embeddings
from echoic.db.search.outdated_embeddings import Embedded
from echoic.db.search.stale_embeddings import StaleMeaning
from echoic.engines.fake import FakeTextEncoder
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.errors import ModelMissing
from echoic.records import Embeddings, EngineId
from echoic.upkeep import Upkeep
from tests.api.talk import Talk, talk_of
from tests.factories import World, talk
from tests.waiting import until


async def waiting(components: Components) -> int:
    async with components.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(StaleMeaning)) or 0


async def test_a_corrected_segment_is_found_by_its_new_meaning(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    said = await talk_of(client, world, "red wine", "the harbor", "gone")
    await said.change_one(0, text="green tea")
    await said.change_one(2, text="")
    assert await said.found("green tea", "semantic") == ["the harbor"]

    async def done() -> bool:
        return await waiting(components) == 0

    async with kept(components, components.engines.text_encoder).kept():
        await until(done, "all meanings are made")
        assert (await said.found("green tea", "semantic"))[0] == "green tea"
        assert sorted(await said.found("green tea", "semantic")) == ["green tea", "the harbor"]
        # It goes on looking.
        await said.change_one(1, text="lighthouse")
        await until(done, "the next one is made")
        assert (await said.found("lighthouse", "semantic"))[0] == "lighthouse"


def kept(components: Components, encoder: EngineLease[TextEncoder]) -> Upkeep:
    """The loop as a server has it."""
    upkeep = Upkeep()
    upkeep.add(
        "meanings", lambda: embed_corrected(components.database, encoder), every_seconds=INTERVAL_SECONDS, busy=True
    )
    return upkeep


class HeldEncoder(FakeTextEncoder):
    """Waits in the middle of its work."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> Embeddings:
        vectors = super().encode(texts, kind)
        self.begun.set()
        assert self.go_on.wait(60)
        return vectors


async def test_a_meaning_is_not_stored_for_a_text_that_was_corrected_meanwhile(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    said = await talk_of(client, world, "red wine")
    await said.change_one(0, text="green tea")
    encoder = HeldEncoder()
    lease: EngineLease[TextEncoder] = EngineLease(encoder.id, lambda: encoder, idle_seconds=60)
    working = asyncio.create_task(embed_corrected(components.database, lease))
    await asyncio.to_thread(encoder.begun.wait, 60)
    await said.change_one(0, text="black coffee")
    encoder.go_on.set()
    assert await working == 1
    assert (await said.found("green tea", "semantic"), await waiting(components)) == ([], 1)
    assert await embed_corrected(components.database, lease) == 1
    assert (await said.found("black coffee", "semantic"), await waiting(components)) == (["black coffee"], 0)
    lease.close()


async def test_segments_wait_where_there_is_no_model(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    said = await talk_of(client, world, "red wine")
    await said.change_one(0, text="green tea")
    tries: list[int] = []

    def load() -> TextEncoder:
        tries.append(1)
        raise ModelMissing

    async def tried_again() -> bool:
        return len(tries) > 1

    lease: EngineLease[TextEncoder] = EngineLease(FakeTextEncoder().id, load, idle_seconds=60)
    async with kept(components, lease).kept():
        await until(tried_again, "it is tried again")
    assert await waiting(components) == 1
    lease.close()


class OtherEncoder(FakeTextEncoder):
    """The encoder that the settings name from now on."""

    id = EngineId(name="fake", model="other", version="1")


async def test_after_a_change_of_the_encoder_the_newest_are_embedded_first_and_words_find_the_rest(
    client: httpx.AsyncClient, components: Components, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = await talk_of(client, world, "the lighthouse", "an anchor")
    dataset_id = older.tenant.dataset_id
    newer = Talk(client, older.tenant, await world.item(dataset_id, talk("the lighthouse keeper", "a sail", "a net")))
    lease: EngineLease[TextEncoder] = EngineLease(OtherEncoder.id, OtherEncoder, idle_seconds=60)
    monkeypatch.setattr(components.engines, "text_encoder", lease)
    monkeypatch.setattr(embeddings, "BATCH_SEGMENTS", 2)

    async def asked(query: str) -> tuple[bool, str, set[str]]:
        body = {"query": query, "search_type": "semantic"}
        answer = (await client.post("/api/search", headers=older.tenant.headers, json=body)).json()
        return (
            answer["meta"]["compared_all"],
            answer["meta"]["search_type"],
            {found["text"] for found in answer["results"]},
        )

    async def embedded() -> Embedded:
        async with components.database.transaction() as session:
            return await outdated_embeddings.count_embedded(session, model=lease.id.label)

    assert await asked("lighthouse") == (False, "hybrid", {"the lighthouse", "the lighthouse keeper"})
    assert await embed_outdated(components.database, lease) == 2
    assert await embedded() == Embedded(segments=5, by_model=2)
    by_meaning = {"a sail", "the lighthouse keeper"}
    assert await asked("sail") == (False, "hybrid", by_meaning), "the newest recording is begun with"
    # What is corrected in between is the other loop's.
    await newer.change_one(2, text="a rope")
    await older.change_one(1, text="a heavy anchor")
    assert await embed_outdated(components.database, lease) == 1
    assert await embed_outdated(components.database, lease) == 0
    assert await embed_corrected(components.database, lease) == 2
    assert await embedded() == Embedded(segments=5, by_model=5)
    compared_all, search_type, found = await asked("lighthouse")
    assert (compared_all, search_type) == (True, "semantic")
    assert found >= {"the lighthouse", "the lighthouse keeper", "a heavy anchor"}, "all are compared again"
    lease.close()


async def test_a_vector_of_another_model_is_not_replaced_for_a_text_that_was_corrected_meanwhile(
    client: httpx.AsyncClient, components: Components, world: World
) -> None:
    said = await talk_of(client, world, "red wine")
    encoder = HeldEncoder()
    encoder.id = EngineId(name="fake", model="other", version="1")
    lease: EngineLease[TextEncoder] = EngineLease(encoder.id, lambda: encoder, idle_seconds=60)
    working = asyncio.create_task(embed_outdated(components.database, lease))
    await asyncio.to_thread(encoder.begun.wait, 60)
    await said.change_one(0, text="green tea")
    encoder.go_on.set()
    assert await working == 1
    async with components.database.transaction() as session:
        assert await outdated_embeddings.count_embedded(session, model=lease.id.label) == Embedded(
            segments=0, by_model=0
        )
    lease.close()
