"""Loads what search results show, and counts what they have in common; who may see them was decided before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Integer, and_, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Item
from echoic.db.reads import Query, ask
from echoic.db.transcripts.transcripts import Segment, shown_speaker

MAX_FACET_VALUES = 20


@dataclass(frozen=True, slots=True)
class FoundItem:
    """What results show of an item."""

    id: int
    transcript_id: int
    """0 where it has none."""
    title: str
    description: str
    source_type: str
    language: str | None
    published_at: datetime | None
    dataset_id: int
    dataset_name: str
    library_slug: str


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """What results show of a segment; the names are those of the table."""

    transcript_id: int
    position: int
    start: float
    end: float
    text: str
    speaker: str | None
    """Name or label."""
    confidence: float | None


_ITEMS = Query(
    select(
        Item.id,
        func.coalesce(Item.transcript_id, 0),
        Item.title,
        func.coalesce(Item.description, ""),
        Item.source_type,
        Item.language,
        Item.published_at,
        Dataset.id,
        Dataset.name,
        Library.slug,
    )
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .where(among_given(Item.id, "ids", BigInteger()))
)
_WANTED = (
    select(Segment.transcript_id, Segment.position).where(among_given(Segment.id, "ids", BigInteger())).cte("wanted")
)
_AROUND = bindparam("around", type_=Integer())
_SEGMENTS = Query(
    select(
        Segment.transcript_id,
        Segment.position,
        Segment.start,
        Segment.end,
        Segment.text,
        shown_speaker(),
        Segment.confidence,
    )
    .distinct()
    .join(
        _WANTED,
        and_(
            Segment.transcript_id == _WANTED.c.transcript_id,
            Segment.position.between(_WANTED.c.position - _AROUND, _WANTED.c.position + _AROUND),
        ),
    )
)


async def found_items(session: AsyncSession, ids: Sequence[int]) -> dict[int, FoundItem]:
    """Items by their ids."""
    return {row[0]: FoundItem(*row) for row in await ask(session, _ITEMS, ids=list(ids))}


async def found_segments(
    session: AsyncSession, ids: Sequence[int], *, around: int
) -> dict[tuple[int, int], FoundSegment]:
    """Segments by transcript and position, with ``around`` of those before and after each."""
    rows = await ask(session, _SEGMENTS, ids=list(ids), around=around)
    return {(row[0], row[1]): FoundSegment(*row) for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """How many results have a value, and how it is shown."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The most frequent values among results."""

    speakers: tuple[Counted, ...]
    datasets: tuple[Counted, ...]
    entities: tuple[Counted, ...]
    months: tuple[Counted, ...]


_COUNT = text("""
    WITH found AS MATERIALIZED (
        SELECT segments.id AS segment_id, transcripts.item_id, coalesce(speakers.name, segments.speaker) AS speaker
        FROM unnest(CAST(:segment_ids AS bigint[])) AS wanted(id)
        JOIN segments ON segments.id = wanted.id
        JOIN transcripts ON transcripts.id = segments.transcript_id
        LEFT JOIN item_speakers
            ON item_speakers.transcript_id = segments.transcript_id AND item_speakers.label = segments.speaker
        LEFT JOIN speakers ON speakers.id = item_speakers.speaker_id
        UNION ALL
        SELECT NULL, id, NULL FROM unnest(CAST(:items_alone AS bigint[])) AS alone(id)
    ),
    items_found AS MATERIALIZED (
        SELECT items.dataset_id, to_char(items.published_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) AS results
        FROM found JOIN items ON items.id = found.item_id GROUP BY 1, 2
    )
    (SELECT 'speakers' AS facet, speaker AS value, speaker AS label, count(*) AS results
     FROM found WHERE speaker IS NOT NULL GROUP BY speaker ORDER BY results DESC, speaker LIMIT :most)
    UNION ALL
    (SELECT 'datasets', CAST(datasets.id AS text), datasets.name, sum(results) AS results
     FROM items_found JOIN datasets ON datasets.id = items_found.dataset_id
     GROUP BY datasets.id ORDER BY results DESC, datasets.id LIMIT :most)
    UNION ALL
    (SELECT 'months', month, month, sum(results) AS results
     FROM items_found WHERE month IS NOT NULL GROUP BY month ORDER BY results DESC, month DESC LIMIT :most)
    UNION ALL
    (SELECT 'entities', entities.type, entities.name, count(DISTINCT found.segment_id) AS results
     FROM found JOIN mentions ON mentions.segment_id = found.segment_id
     JOIN entities ON entities.id = mentions.entity_id
     GROUP BY entities.type, entities.name ORDER BY results DESC, entities.name LIMIT :most)
""")


async def count_results(session: AsyncSession, *, segment_ids: Sequence[int], items_alone: Sequence[int]) -> Counts:
    """Count the results: segments, and items that were found by their title or description."""
    rows = await session.execute(
        _COUNT, {"segment_ids": list(segment_ids), "items_alone": list(items_alone), "most": MAX_FACET_VALUES}
    )
    counted: dict[str, list[Counted]] = {"speakers": [], "datasets": [], "months": [], "entities": []}
    for row in rows:
        counted[row.facet].append(Counted(value=row.value, label=row.label, count=int(row.results)))
    return Counts(**{facet: tuple(values) for facet, values in counted.items()})
