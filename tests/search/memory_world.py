"""Puts what a database holds into the index in memory, so that both engines answer to the same recordings."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.search.conditions import readable_datasets
from echoic.db.search.found_rows import found_items
from echoic.db.search.lexemes import DICTIONARIES, PLAIN
from echoic.db.search.stems import StemMemory
from echoic.search.answer import Said
from echoic.search.highlight import Stems
from echoic.search.memory import MemoryIndex
from echoic.search.memory_entries import IndexedItem, IndexedSegment

SEGMENTS = text("""
    SELECT segments.id, segments.position, segments.start_seconds, segments.end_seconds, segments.text,
        coalesce(speakers.name, segments.speaker), segments.confidence,
        segments.quality, segments.speaker,
        speakers.id, segment_embeddings.model,
        CAST(translate(CAST(segment_embeddings.vector AS text), '[]', '{}') AS real[])
    FROM segments
    LEFT JOIN item_speakers ON item_speakers.transcript_id = segments.transcript_id AND item_speakers.label = segments.speaker
    LEFT JOIN speakers ON speakers.id = item_speakers.speaker_id
    LEFT JOIN segment_embeddings ON segment_embeddings.segment_id = segments.id
    WHERE segments.transcript_id = :transcript_id ORDER BY segments.position
""")
ENTITIES = text("""
    SELECT DISTINCT mentions.segment_id, entities.id, entities.type, entities.name
    FROM mentions JOIN entities ON entities.id = mentions.entity_id WHERE entities.item_id = :item_id
""")


async def memory_index(database: Database, memory: StemMemory) -> MemoryIndex:
    """The index in memory of all published items, with PostgreSQL's stemmers and access rules."""

    async def stem(language: str | None, spoken: Collection[str]) -> Stems:
        async with database.transaction() as session:
            return await memory.of(session, DICTIONARIES.get(language or "", PLAIN), spoken)

    async def readable(account_id: int) -> Collection[int]:
        async with database.transaction() as session:
            return set(await session.scalars(readable_datasets(), {"account_id": account_id}))

    index = MemoryIndex(stemmer=stem, access=readable)
    async with database.transaction() as session:
        published = list(await session.scalars(text("SELECT id FROM items WHERE status = 'published' ORDER BY id")))
        items = [await _read(session, item_id) for item_id in published]
    for item in items:
        await index.put(item)
    return index


async def _read(session: AsyncSession, item_id: int) -> IndexedItem:
    shown = (await found_items(session, [item_id]))[item_id]
    mentioned = list(await session.execute(ENTITIES, {"item_id": item_id}))
    segments = [
        IndexedSegment(
            id=number,
            position=position,
            said=Said(*said),
            label=label,
            speaker_id=speaker_id,
            entities=tuple((row[1], row[2], row[3]) for row in mentioned if row[0] == number),
            model=model,
            embedding=vector or (),
        )
        for number, position, *said, label, speaker_id, model, vector in await session.execute(
            SEGMENTS, {"transcript_id": shown.transcript_id}
        )
    ]
    return IndexedItem(shown=shown, segments=tuple(segments))
