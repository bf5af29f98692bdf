"""The rows that results show, and the counts of their facets; access was checked by the statement that searched."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, and_, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among_given
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Item, came_out_at
from echoic.db.reads import Query, ask
from echoic.db.sources.feeds import Feed
from echoic.db.transcripts.transcripts import Segment, shown_speaker
from echoic.search.answer import FACETS, MAX_FACET_VALUES, FacetCount, Facets, FoundItem, Said
from echoic.search.ranking import Match

_ITEMS = Query(
    select(
        Item.id,
        func.coalesce(Item.transcript_id, 0),
        Item.title,
        func.coalesce(Item.description, ""),
        Item.source_type,
        Item.language,
        came_out_at(),
        Dataset.id,
        Dataset.name,
        Library.slug,
        Feed.podcast["image_url"].astext,
    )
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(Feed, Feed.dataset_id == Dataset.id)
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
        Segment.quality,
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
    """Load items; by their ids."""
    return {row[0]: FoundItem(*row) for row in await ask(session, _ITEMS, ids=list(ids))}


async def found_segments(session: AsyncSession, ids: Sequence[int], *, around: int) -> dict[tuple[int, int], Said]:
    """Load segments with ``around`` of those before and after each; by transcript and position."""
    rows = await ask(session, _SEGMENTS, ids=list(ids), around=around)
    return {(transcript_id, position): Said(*said) for transcript_id, position, *said in rows}


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
        SELECT items.dataset_id, items.language, to_char(coalesce(items.publish_date, items.published_at) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
            count(*) AS results
        FROM found JOIN items ON items.id = found.item_id GROUP BY 1, 2, 3
    )
    (SELECT 'speakers' AS facet, speaker AS value, speaker AS label, count(*) AS results
     FROM found WHERE speaker IS NOT NULL GROUP BY speaker ORDER BY results DESC, speaker LIMIT :most)
    UNION ALL
    (SELECT 'datasets', CAST(datasets.id AS text), datasets.name, sum(results) AS results
     FROM items_found JOIN datasets ON datasets.id = items_found.dataset_id
     GROUP BY datasets.id ORDER BY results DESC, datasets.id LIMIT :most)
    UNION ALL
    (SELECT 'libraries', libraries.slug, libraries.slug, sum(results) AS results
     FROM items_found JOIN datasets ON datasets.id = items_found.dataset_id
     JOIN libraries ON libraries.id = datasets.library_id
     GROUP BY libraries.id ORDER BY results DESC, libraries.slug LIMIT :most)
    UNION ALL
    (SELECT 'languages', language, language, sum(results) AS results
     FROM items_found WHERE language IS NOT NULL GROUP BY language ORDER BY results DESC, language LIMIT :most)
    UNION ALL
    (SELECT 'months', month, month, sum(results) AS results
     FROM items_found WHERE month IS NOT NULL GROUP BY month ORDER BY results DESC, month DESC LIMIT :most)
    UNION ALL
    (SELECT 'entities', coalesce(subjects.type, entities.type), coalesce(subjects.name, entities.name) AS name,
        count(DISTINCT found.segment_id) AS results
     FROM found JOIN mentions ON mentions.segment_id = found.segment_id
     JOIN entities ON entities.id = mentions.entity_id LEFT JOIN subjects ON subjects.id = entities.subject_id
     WHERE subjects.hidden IS NOT TRUE GROUP BY 2, 3 ORDER BY results DESC, name LIMIT :most)
""")


async def count_facets(session: AsyncSession, matches: Sequence[Match], *, exact: bool) -> Facets:
    """Count the values of matches: segments, and items that were found by their title or description."""
    rows = await session.execute(
        _COUNT,
        {
            "segment_ids": [match.segment_id for match in matches if match.segment_id is not None],
            "items_alone": [match.item_id for match in matches if match.segment_id is None],
            "most": MAX_FACET_VALUES,
        },
    )
    counted: dict[str, list[FacetCount]] = {facet: [] for facet in FACETS}
    for row in rows:
        counted[row.facet].append(FacetCount(value=row.value, label=row.label, count=int(row.results)))
    return Facets(**{facet: tuple(values) for facet, values in counted.items()}, exact=exact)
