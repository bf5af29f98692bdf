"""Entities that are named in an item, without a tagger."""

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items import items
from echoic.db.runs import runs
from echoic.db.transcripts import entities, transcripts
from echoic.db.transcripts.entities import Entity, FoundMention
from echoic.records import Transcription
from tests.factories import ENGINE, Tenant, World, talk


async def name_in(world: World, item_id: int, *named: tuple[str, str, int]) -> None:
    """Store mentions: type, name, and in which segment."""
    async with world.database.transaction() as session:
        item = await items.get_item(session, item_id)
        assert item is not None
        assert item.transcript_id is not None
        segments = await transcripts.list_segments(session, item.transcript_id)
        found = [
            FoundMention(
                type=kind,
                name=name,
                segment_id=segments[place].id,
                start=segments[place].start,
                end=segments[place].start + 0.5,
                text=name.split()[-1],
                confidence=None,
            )
            for kind, name, place in named
        ]
        await entities.replace_entities(session, item_id=item_id, transcript_id=item.transcript_id, found=found)


async def found_by_another_run(
    session: AsyncSession, item_id: int, *named: tuple[str, str]
) -> tuple[int, list[FoundMention]]:
    """Make another transcript of an item, as a run does, which is not the item's yet; returns its id, and names found in it."""
    run = await runs.create_run(session, item_id=item_id, stage="entities", priority=100, options={})
    said = Transcription(segments=tuple(talk("new")), language="en", language_probability=1.0)
    newer = await transcripts.create_transcript(
        session, item_id=item_id, run_id=run.id, transcription=said, engine=ENGINE
    )
    (row,) = await transcripts.list_segments(session, newer.id)
    return newer.id, [
        FoundMention(type=kind, name=name, segment_id=row.id, start=0, end=1, text=name, confidence=None)
        for kind, name in named
    ]


async def transcribe_again(world: World, item_id: int, *named: tuple[str, str]) -> None:
    """Give an item another transcript with names, as a run does that is published."""
    async with world.database.transaction() as session:
        newer_id, found = await found_by_another_run(session, item_id, *named)
        await entities.replace_entities(session, item_id=item_id, transcript_id=newer_id, found=found)
        item = await items.get_item(session, item_id)
        assert item is not None
        item.transcript_id = newer_id


async def subject_named(world: World, name: str) -> int:
    """Return the id, over all recordings, of what is named so."""
    async with world.database.transaction() as session:
        subject_id = await session.scalar(select(Entity.subject_id).where(Entity.name == name).limit(1))
    assert subject_id is not None
    return subject_id


async def listed(client: httpx.AsyncClient, tenant: Tenant, query: str = "") -> list[tuple[str, str, int, int]]:
    answer = await client.get(f"/api/entities{query}", headers=tenant.headers)
    assert answer.status_code == 200, answer.text
    return [(one["type"], one["name"], one["items"], one["mentions"]) for one in answer.json()["entities"]]


async def slug_of(client: httpx.AsyncClient, tenant: Tenant) -> str:
    answer = await client.get(f"/api/datasets/{tenant.dataset_id}", headers=tenant.headers)
    return str(answer.json()["library"])
