"""What corrected segments mean is made anew, and never from a text that is no longer there."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Literal

import httpx
from sqlalchemy import func, select

from echoic.compose import Components
from echoic.corrections.embeddings import INTERVAL_SECONDS, embed_corrected
from echoic.db.search.stale_embeddings import StaleMeaning
from echoic.engines.fake import FakeTextEncoder
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.errors import ModelMissing
from echoic.records import Embeddings
from echoic.upkeep import Upkeep
from tests.api.talk import talk_of
from tests.factories import World
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
