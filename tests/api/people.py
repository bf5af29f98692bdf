"""Items in which voices speak, somebody who asks who they are, and what is seen of that in a transcript and a search."""

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from sqlalchemy import text

from echoic.compose import Components
from echoic.db.items.items import ItemStatus, get_item
from echoic.db.speakers import voiceprints
from echoic.records import Segment, Voiceprint, VoiceVector
from echoic.voices.recognition import recognize_all
from tests.api.talk import Talk
from tests.factories import Tenant, World, segment

ENGINE = "fake/spectrum@1"
ANNA, BERT = 0, 1
A, B, C = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"


def voice(person: int) -> VoiceVector:
    vector = np.full(192, 0.01, dtype=np.float32)
    vector[person] = 1.0
    return vector / np.float32(np.linalg.norm(vector))


async def item_of(world: World, components: Components, tenant: Tenant, *voices: int) -> int:
    """An item in which these voices speak, one after the other, known by voiceprints."""
    said = [segment(f"word {n} here", start=10.0 * n, speaker=f"SPEAKER_{n:02}") for n in range(len(voices))]
    return await heard_item(world, components, tenant, said, *voices)


async def heard_item(
    world: World,
    components: Components,
    tenant: Tenant,
    said: list[Segment],
    *voices: int,
    status: ItemStatus = "published",
) -> int:
    """An item with these segments, whose labels have these voices."""
    item_id = await world.item(tenant.dataset_id, said, status=status)
    await give_voices(components, item_id, [Voiceprint(vector=voice(v), seconds=9.0) for v in voices])
    return item_id


async def give_voices(components: Components, item_id: int, voices: Sequence[Voiceprint]) -> None:
    """Keep voices of an item's labels, in the order of their numbers."""
    async with components.database.transaction() as session:
        item = await get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        await voiceprints.keep_voices(
            session,
            item_id=item_id,
            transcript_id=item.transcript_id,
            voices={f"SPEAKER_{n:02}": each for n, each in enumerate(voices)},
            engine=ENGINE,
        )


class Asking:
    """Asks as one tenant."""

    def __init__(self, client: httpx.AsyncClient, components: Components, tenant: Tenant, slug: str) -> None:
        self.client, self.components, self.tenant = client, components, tenant
        self.people = f"/api/libraries/{slug}/speakers"

    async def __call__(self, method: str, url: str, status: int = 200, **request: Any) -> Any:
        answer = await self.client.request(method, url, headers=self.tenant.headers, **request)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def name(self, item_id: int, label: str, name: str) -> int:
        body = await self("POST", f"/api/items/{item_id}/speakers/{label}", json={"name": name})
        (found,) = [each["speaker_id"] for each in body["speakers"] if each["label"] == label]
        return int(found)

    async def labels(self, item_id: int) -> dict[str, tuple[str | None, str | None]]:
        body = await self("GET", f"/api/items/{item_id}/speakers")
        return {each["label"]: (each["name"], each["how"]) for each in body["speakers"]}

    async def chores_done(self) -> int:
        """Do what was put into the queue, as a worker does; returns how much it was."""
        async with self.components.database.transaction() as session:
            rows = await session.scalars(
                text(
                    "DELETE FROM procrastinate_jobs WHERE task_name = 'echoic.recognize' RETURNING (args->>'library_id')"
                )
            )
            found = list(rows)
        for library_id in set(found):
            await recognize_all(self.components.database, library_id=int(library_id))
        return len(found)

    async def vectors(self) -> int:
        async with self.components.database.transaction() as session:
            return int(await session.scalar(text("SELECT count(*) FROM voiceprints")) or 0)


async def talk_of_two(ask: Asking, world: World, components: Components) -> Talk:
    """Two people take turns: A, B, A, B."""
    said = [segment(f"word {n} here", start=10.0 * n, speaker=(A, B)[n % 2]) for n in range(4)]
    item_id = await heard_item(world, components, ask.tenant, said, ANNA, BERT)
    return Talk(ask.client, ask.tenant, item_id)


async def called(said: Talk, query: str = "") -> list[str | None]:
    """Who says each segment: a name, or the label of somebody without one."""
    return [part["speaker_name"] or part["speaker"] for part in (await said.read(query))["segments"]]


async def history(said: Talk) -> list[tuple[int, list[tuple[str, str | None, str | None]]]]:
    """For each version who was called what before and after."""
    found = (await said.versions())["versions"]
    return [
        (entry["version"], [(each["label"], each["name_before"], each["name_after"]) for each in entry["speakers"]])
        for entry in found
    ]


async def facets(said: Talk) -> dict[str, int]:
    body = {"query": "word", "search_type": "text", "options": {"include_aggregations": True}}
    answer = await said.client.post("/api/search", headers=said.tenant.headers, json=body)
    assert answer.status_code == 200, answer.text
    return {each["value"]: each["count"] for each in answer.json()["aggregations"]["speakers"]}


async def found_by(said: Talk, speaker: str) -> int:
    body = {"query": "word", "search_type": "text", "filters": {"speakers": [speaker]}}
    answer = await said.client.post("/api/search", headers=said.tenant.headers, json=body)
    return int(answer.json()["meta"]["total"])
