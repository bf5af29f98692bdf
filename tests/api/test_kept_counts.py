"""Kept counts after a random series of deeds: they are those that can be counted, and nobody is shown others' recordings by them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from echoic.db.catalog import libraries
from echoic.db.subjects import found as subjects, pairs, trending
from echoic.db.subjects.found import FoundSubject
from echoic.db.subjects.readable import Readable, find_readable
from echoic.db.subjects.trending import Kind, Window
from echoic.db.transcripts.entity_list import EntityFilters
from tests.api.mentions import name_in, slug_of, transcribe_again
from tests.factories import Tenant, World, talk
from tests.subjects import PLACES, counts_are_true

NOW = datetime.now(UTC)
NAMES = [(kind, f"{kind} {letter}") for kind in ("person", "place") for letter in "ABCDEF"]
OF_DATASETS = """
    SELECT subject_id, count(DISTINCT item_id), count(*) FROM places
    WHERE dataset_id = ANY(CAST(:datasets AS bigint[])) GROUP BY 1
"""
SEED = 16
TIMES_EACH = 2
KINDS: tuple[Kind, ...] = ("entities", "words")


class Deeds:
    """What the owner of two libraries does; a viewer reads the first, but for the dataset in which something is redacted."""

    def __init__(self, client: httpx.AsyncClient, world: World, owner: Tenant, slug: str) -> None:
        self.client, self.world, self.owner, self.slug = client, world, owner, slug
        self.random = random.Random(SEED)
        self.redacted: set[int] = set()

    async def asked(self, method: str, url: str, **json: Any) -> dict[str, Any]:
        answer = await self.client.request(method, url, headers=self.owner.headers, json=json or None)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def rows(self, statement: str, **given: Any) -> list[Any]:
        async with self.world.database.transaction() as session:
            return list(await session.execute(text(statement), given))

    async def datasets(self) -> list[int]:
        of_library = "SELECT id FROM datasets WHERE library_id = :library ORDER BY id"
        return [row.id for row in await self.rows(of_library, library=self.owner.library_id)]

    async def item(self) -> tuple[int, int]:
        of_library = (
            "SELECT items.id, dataset_id FROM items JOIN datasets ON datasets.id = dataset_id "
            "WHERE library_id = :library AND status = 'published' ORDER BY items.id"
        )
        return tuple(self.random.choice(await self.rows(of_library, library=self.owner.library_id)))

    async def entities(self, number: int) -> list[int]:
        body = await self.asked("GET", f"/api/entities?library={self.slug}&limit=100")
        return self.random.sample([one["id"] for one in body["entities"]], number)

    def named(self) -> list[tuple[str, str, int]]:
        return [(*self.random.choice(NAMES), self.random.randrange(12)) for _ in range(8)]

    async def publish(self, dataset_id: int | None = None) -> None:
        day = NOW - timedelta(days=self.random.randrange(40))
        said = [f"{self.random.choice(NAMES)[1]} said word{self.random.randrange(9)}x" for _ in range(12)]
        item_id = await self.world.item(
            dataset_id or self.random.choice(await self.datasets()), talk(*said), published_at=day
        )
        await name_in(self.world, item_id, *self.named())

    async def publish_elsewhere(self) -> None:
        elsewhere = await self.rows("SELECT id FROM datasets WHERE library_id <> :one", one=self.owner.library_id)
        await self.publish(elsewhere[0].id)

    async def delete(self) -> None:
        await self.asked("DELETE", f"/api/items/{(await self.item())[0]}")

    async def transcribe_again(self) -> None:
        named = {(kind, name) for kind, name, _ in self.named()}
        await transcribe_again(self.world, (await self.item())[0], *sorted(named))

    async def correct(self) -> None:
        await self.asked("PATCH", f"/api/items/{(await self.item())[0]}/transcript/segments/0", text="nobody word1x")

    async def move(self) -> None:
        item_id, dataset_id = await self.item()
        target = self.random.choice([one for one in await self.datasets() if one != dataset_id])
        await self.asked("POST", f"/api/datasets/{dataset_id}/items/move", items=[item_id], dataset_id=target)

    async def merge(self) -> None:
        first, second = await self.entities(2)
        await self.asked("POST", f"/api/libraries/{self.slug}/entities/{first}/merge", entity_ids=[second])

    async def rename(self) -> None:
        (one,) = await self.entities(1)
        name = f"New {self.random.random()}"
        await self.asked("PATCH", f"/api/libraries/{self.slug}/entities/{one}", name=name)

    async def split(self) -> None:
        (one,) = await self.entities(1)
        items = (await self.asked("GET", f"/api/entities/{one}?library={self.slug}"))["mentions"]
        name = f"Other {self.random.random()}"
        some = [items[0]["item_id"]]
        await self.asked("POST", f"/api/libraries/{self.slug}/entities/{one}/split", name=name, items=some)

    async def hide(self) -> None:
        (one,) = await self.entities(1)
        await self.asked("POST", f"/api/libraries/{self.slug}/entities/{one}/hide")

    async def undo(self) -> None:
        decided = (await self.asked("GET", f"/api/libraries/{self.slug}/entity-decisions"))["decisions"]
        newest = next((one["id"] for one in decided if one["undone_at"] is None), None)
        if newest is not None:
            await self.asked("POST", f"/api/libraries/{self.slug}/entity-decisions/{newest}/undo")

    async def redact(self) -> None:
        dataset_id = (await self.datasets())[-1]
        policy = None if dataset_id in self.redacted else {"kinds": ["phone"], "original_roles": ["owner"]}
        await self.asked("PATCH", f"/api/datasets/{dataset_id}", redaction=policy)
        self.redacted ^= {dataset_id}

    async def delete_dataset(self) -> None:
        await self.asked("DELETE", f"/api/datasets/{(await self.datasets())[1]}")
        made = await self.asked("POST", "/api/datasets", name=f"New {self.random.random()}", library=self.slug)
        await self.publish(made["id"])


async def shown(client: httpx.AsyncClient, reader: Tenant) -> dict[int, tuple[int, int]]:
    answer = await client.get("/api/entities?limit=100", headers=reader.headers)
    return {one["id"]: (one["items"], one["mentions"]) for one in answer.json()["entities"]}


async def answers(world: World, readable: Readable, subject: int) -> dict[str, Any]:
    """What is answered from the beginnings of kept counts of some datasets."""
    found: dict[str, Any] = {}
    async with world.database.snapshot() as session:
        found["near"] = await pairs.find_neighbors(session, [subject], readable, limit=50)
        for days in (4, 20):
            window = Window.ending(NOW.date(), days)
            recorded = await trending.count_recorded(session, readable, window)
            found[f"recorded in {days}"] = (recorded.items, recorded.items_before)
            for kind in KINDS:
                found[f"{kind} in {days}"] = await trending.find_trends(
                    session, readable, window, recorded, kind=kind, type_=None, limit=50
                )
    return found


async def pages_called_so(
    world: World, reader: Tenant, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[list[FoundSubject], int]]:
    """A page of the names with a part that nearly all have: from sums of all of them, and from the most named alone."""
    pages = []
    for most in (1_000, 2):
        monkeypatch.setattr(subjects, "MAX_CALLED_SO", most)
        async with world.database.snapshot() as session:
            filters = EntityFilters(query="e")
            pages.append(
                await subjects.find_subjects(session, account_id=reader.account_id, filters=filters, limit=3, offset=2)
            )
    return pages


async def test_kept_counts_are_true_after_any_deeds_and_show_nobody_more(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, viewer = await world.tenant("Owner"), await world.tenant("Viewer")
    async with world.database.transaction() as session:
        for name in ("Second", "Third"):
            await libraries.create_dataset(session, library_id=owner.library_id, name=name)
        for account_id, library_id in (
            (viewer.account_id, owner.library_id),
            (owner.account_id, viewer.library_id),
        ):
            await libraries.add_member(session, library_id=library_id, account_id=account_id, role="viewer")
    deeds = Deeds(client, world, owner, await slug_of(client, owner))
    for _ in range(8):
        await deeds.publish()
    series = TIMES_EACH * [
        deeds.publish,
        deeds.publish_elsewhere,
        deeds.delete,
        deeds.transcribe_again,
        deeds.correct,
        deeds.move,
        deeds.merge,
        deeds.rename,
        deeds.split,
        deeds.hide,
        deeds.undo,
        deeds.redact,
        deeds.delete_dataset,
    ]
    deeds.random.shuffle(series)
    counted = PLACES + OF_DATASETS
    whole = by_dataset = 0
    told: set[str] = set()
    for deed in series:
        await deed()
        assert await counts_are_true(world.database) > 100, deed
        every = {row.id for row in await deeds.rows("SELECT id FROM datasets")}
        deeds.redacted &= every
        for reader, datasets in ((owner, every), (viewer, every - deeds.redacted)):
            rows = await deeds.rows(counted, datasets=list(datasets))
            assert await shown(client, reader) == {row[0]: (row[1], row[2]) for row in rows}, (deed, reader)
            async with world.database.snapshot() as session:
                readable = await find_readable(session, account_id=reader.account_id, filters=EntityFilters())
            assert set(readable.datasets) == datasets
            # Counts of whole libraries and weeks say what those of datasets and days do.
            alone = Readable(datasets=readable.datasets, alone=readable.datasets, libraries=[])
            subject = deeds.random.choice(rows)[0]
            found = await answers(world, readable, subject)
            assert found == await answers(world, alone, subject), (deed, reader)
            told.update(what for what, rows in found.items() if rows)
            summed, most_named = await pages_called_so(world, reader, monkeypatch)
            assert len(summed[0]) == 3
            assert most_named == (summed[0], 2), (deed, reader)
            whole += not readable.alone
            by_dataset += bool(readable.alone)
    assert min(whole, by_dataset) >= TIMES_EACH
    assert {"near", "entities in 20", "words in 20"} <= told
