"""Subjects for readers: listed by how often they are named, one in full, and the places where it is named.

Every statement sums kept counts over the places of what an account may read in the original (``readable``). None of them
reads more rows for a subject that is named more often. Counts of a place fit in an int: sums of int are computed without
numeric, unlike those of bigint, which makes them several times as fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Item
from echoic.db.subjects.readable import Readable, find_readable
from echoic.db.transcripts.entities import Entity, Mention, is_present
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.db.transcripts.transcripts import Segment, shown_speaker

DEPTH = 200
"""So many of the most named subjects of each place are looked at first; of more only where these do not settle it."""
LOOKED_AT = 4_000
"""Fewer are looked at first where there are many places: so many in all, or as many of each as the page needs."""
BEYOND = 3
"""Halves of a page: where the places are alike, half as many more settle it at the first look."""
FIRST_ROWS = 20_000
"""So many counts are read first to see how long a list is."""
LEAST_NEWEST = 4
"""So many of the newest items of each dataset that name a subject are looked at first, at least."""
DEEPER = 8
"""Each further look goes so many times as deep."""
DEEPEST = 10_000_000
"""No place names so many subjects."""
MAX_COUNTED = 10_000
"""The length of a list of subjects is counted to here."""
MAX_CALLED_SO = 2_000
"""All subjects that have a part of a name are summed where these are no more; else only the most named are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSubject:
    """A subject with the number of its items and mentions over all that an account may read."""

    id: int
    type: str
    name: str
    items: int
    mentions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """The days on which a subject was first and last named: those on which the items were published, in UTC."""

    first: date
    last: date


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundMention:
    """A place where a subject is named."""

    item_id: int
    title: str
    dataset_id: int
    library: str
    segment: int
    """Its place in the transcript, from 0."""
    start: float
    end: float
    text: str
    said: str
    """The text of the segment."""
    speaker: str | None
    """Name or label."""


# The page of what ``candidates`` has, by exact sums; names are looked up of those alone that may stand on it. The index tells
# which place names a subject most often, so that one row is read for its name.
_PAGE = """summed AS MATERIALIZED (
        SELECT subject_id AS id, sum(CAST(items AS int)) AS items, sum(CAST(mentions AS int)) AS mentions
        FROM subject_counts
        WHERE subject_id = ANY(ARRAY(SELECT subject_id FROM candidates))
            AND dataset_id = ANY(CAST(:places AS bigint[]))
        GROUP BY subject_id
    ), page AS MATERIALIZED (
        SELECT (SELECT mentions FROM summed ORDER BY mentions DESC OFFSET :offset LIMIT 1) AS first,
            coalesce((SELECT mentions FROM summed ORDER BY mentions DESC OFFSET :last LIMIT 1), 0) AS last
    )
    SELECT summed.*, own.type, own.name, {more}
    FROM summed JOIN page ON summed.mentions BETWEEN page.last AND page.first
        JOIN subject_counts AS own ON own.subject_id = summed.id AND own.dataset_id = (
            SELECT dataset_id FROM subject_counts
            WHERE subject_id = summed.id AND dataset_id = ANY(CAST(:places AS bigint[]))
            ORDER BY mentions DESC, dataset_id LIMIT 1
        )
    ORDER BY summed.mentions DESC, own.name, own.type, summed.id LIMIT :limit
    OFFSET :offset - (SELECT count(*) FROM summed JOIN page ON summed.mentions > page.first)
"""
# A subject that stands in none of the looked-at beginnings has at most ``bound`` mentions. Of those that stand in one, only
# those are summed that may have as many as the last of the page.
_MOST_NAMED = """
    WITH beginnings AS MATERIALIZED (
        SELECT place.id AS dataset_id, most.subject_id, most.mentions
        FROM unnest(CAST(:places AS bigint[])) AS place(id) CROSS JOIN LATERAL (
            SELECT subject_id, mentions FROM subject_counts
            WHERE dataset_id = place.id {narrowed} ORDER BY mentions DESC LIMIT :depth
        ) AS most
    ), ends AS MATERIALIZED (
        SELECT dataset_id, CASE WHEN count(*) < :depth THEN 0 ELSE min(mentions) END AS mentions
        FROM beginnings GROUP BY dataset_id
    ), bound AS MATERIALIZED (
        SELECT coalesce(sum(CAST(mentions AS int)), 0) AS mentions FROM ends
    ), partly AS MATERIALIZED (
        SELECT subject_id, sum(CAST(beginnings.mentions AS int)) AS least,
            sum(CAST(beginnings.mentions - ends.mentions AS int)) + (SELECT mentions FROM bound) AS most
        FROM beginnings JOIN ends USING (dataset_id) GROUP BY subject_id
    ), candidates AS MATERIALIZED (
        SELECT subject_id FROM partly
        WHERE most >= coalesce((SELECT least FROM partly ORDER BY least DESC OFFSET :last LIMIT 1), 0)
    ), {page}
"""
_IS_CALLED_SO = """
    key LIKE '%' || regexp_replace(echoic_subject_key_v1(:query), '([\\\\%_])', '\\\\\\1', 'g') || '%'
"""
# As a value, so that the database does not look for all subjects that are called so before it reads the most named of a place.
_OF_NAME = "AND (SELECT {called_so} FROM subjects WHERE subjects.id = subject_counts.subject_id)"


def _most_named(narrowed: str) -> TextClause:
    page = _PAGE.format(more="(SELECT mentions FROM bound) AS bound")
    return text(_MOST_NAMED.format(narrowed=narrowed.format(called_so=_IS_CALLED_SO), page=page))


_OF_TYPE = "AND type = :type"
# By whether the list is narrowed to a type, and to a part of names.
_MOST_NAMED_OF = {
    (False, False): _most_named(""),
    (True, False): _most_named(_OF_TYPE),
    (False, True): _most_named(_OF_NAME),
    (True, True): _most_named(_OF_TYPE + _OF_NAME),
}
_MATCHING = """
    WITH candidates AS MATERIALIZED (
        SELECT id AS subject_id FROM subjects WHERE {called_so} AND (CAST(:type AS text) IS NULL OR type = :type)
    ), {page}
"""
_BY_NAME = text(
    _MATCHING.format(called_so=_IS_CALLED_SO, page=_PAGE.format(more="(SELECT count(*) FROM summed) AS total"))
)
_CALLED_SO = """
    SELECT count(*) FROM (
        SELECT FROM subjects WHERE {called_so} AND (CAST(:type AS text) IS NULL OR type = :type) {readable} LIMIT :most
    ) AS counted
"""
_ALL_CALLED_SO = text(_CALLED_SO.format(called_so=_IS_CALLED_SO, readable=""))
# Where so many are called so the first of the table tell sooner than the index, from which the empty text keeps the database.
_READABLE_CALLED_SO = text(
    _CALLED_SO.format(
        called_so=_IS_CALLED_SO.replace("key", "key || ''", 1),
        readable="AND (SELECT true FROM subject_counts "
        "WHERE subject_id = subjects.id AND dataset_id = ANY(CAST(:places AS bigint[])) LIMIT 1)",
    )
)
# The first rows, place by place, tell of most lists how long they are.
_FIRST = text("""
    SELECT count(*) AS subjects, coalesce(sum(rows), 0) AS rows FROM (
        SELECT subject_id, count(*) AS rows FROM (
            SELECT of_place.subject_id FROM unnest(CAST(:places AS bigint[])) AS one(id) CROSS JOIN LATERAL (
                SELECT subject_id FROM subject_counts
                WHERE dataset_id = one.id AND (CAST(:type AS text) IS NULL OR type = :type)
            ) AS of_place LIMIT :rows
        ) AS first GROUP BY subject_id
    ) AS subjects
""")
_HOW_MANY = text("""
    SELECT count(*) FROM (
        SELECT DISTINCT subject_id FROM subject_counts
        WHERE dataset_id = ANY(CAST(:places AS bigint[])) AND (CAST(:type AS text) IS NULL OR type = :type)
        LIMIT :most
    ) AS counted
""")


async def _how_many(session: AsyncSession, asked: dict[str, Any]) -> int:
    first = (await session.execute(_FIRST, {**asked, "rows": FIRST_ROWS})).one()
    if first.rows < FIRST_ROWS or first.subjects >= MAX_COUNTED:
        return min(int(first.subjects), MAX_COUNTED)
    return await session.scalar(_HOW_MANY, {**asked, "most": MAX_COUNTED}) or 0


async def find_subjects(
    session: AsyncSession, *, account_id: int, filters: EntityFilters, limit: int, offset: int
) -> tuple[list[FoundSubject], int]:
    """Return subjects that the account may read of, the most named first, and how many there are.

    They are counted to ``MAX_COUNTED``, or to ``MAX_CALLED_SO`` where more than these have the part of a name.
    """
    places = (await find_readable(session, account_id=account_id, filters=filters)).places
    asked = {"places": places, "type": filters.type, "limit": limit, "offset": offset, "last": limit + offset - 1}
    await plan_for_values(session)
    if filters.query is None:
        most, total = MAX_COUNTED, await _how_many(session, asked)
        depth = min(DEPTH, LOOKED_AT // max(1, len(places)))
    else:
        asked["query"] = filters.query
        most = MAX_CALLED_SO
        if (await session.scalar(_ALL_CALLED_SO, {**asked, "most": most + 1}) or 0) <= most:
            return await _find_by_name(session, asked)
        total = await session.scalar(_READABLE_CALLED_SO, {**asked, "most": most}) or 0
        depth = 0
    if offset >= total and total < most:
        return [], total
    statement = _MOST_NAMED_OF[filters.type is not None, filters.query is not None]
    depth = max(BEYOND * (limit + offset) // 2, depth)
    while True:
        rows = (await session.execute(statement, {**asked, "depth": depth})).all()
        if (rows and (rows[0].bound == 0 or rows[-1].mentions > rows[0].bound)) or depth > DEEPEST:
            return [_subject(row) for row in rows], total
        depth *= DEEPER


_PLAN_FOR_VALUES = text("SET LOCAL plan_cache_mode = force_custom_plan")


async def plan_for_values(session: AsyncSession) -> None:
    """Have the statements of this transaction planned for what is asked, also when they were asked several times before.

    A plan for any values takes several times as long where a statement has long arrays or parts of names.
    """
    await session.execute(_PLAN_FOR_VALUES)


async def _find_by_name(session: AsyncSession, asked: dict[str, Any]) -> tuple[list[FoundSubject], int]:
    rows = (await session.execute(_BY_NAME, asked)).all()
    if not rows and asked["offset"]:
        _, total = await _find_by_name(session, {**asked, "limit": 1, "offset": 0, "last": 0})
        return [], total
    return [_subject(row) for row in rows], rows[0].total if rows else 0


def _subject(row: Row[Any]) -> FoundSubject:
    return FoundSubject(id=row.id, type=row.type, name=row.name, items=int(row.items), mentions=int(row.mentions))


_COUNTS = text("""
    SELECT of_subject.id, own.type, own.name, summed.items, summed.mentions
    FROM (SELECT DISTINCT unnest(CAST(:subjects AS bigint[])) AS id) AS of_subject CROSS JOIN LATERAL (
        SELECT sum(items) AS items, sum(mentions) AS mentions,
            (array_agg(dataset_id ORDER BY mentions DESC, dataset_id))[1] AS most_in
        FROM subject_counts WHERE subject_id = of_subject.id AND dataset_id = ANY(CAST(:places AS bigint[]))
    ) AS summed JOIN subject_counts AS own ON own.subject_id = of_subject.id AND own.dataset_id = summed.most_in
    ORDER BY summed.mentions DESC, of_subject.id
""")
_DECIDED = text("""
    SELECT alias.subject_id FROM subjects JOIN subject_aliases alias USING (type, key)
    WHERE subjects.id = :subject AND alias.item_id IS NULL
        AND (subjects.library_id IS NULL OR subjects.library_id = alias.library_id)
""")
_SPELLED = text("""
    SELECT DISTINCT counts.subject_id FROM subjects JOIN subject_counts counts ON counts.subject_id = subjects.id
    WHERE subjects.key = echoic_subject_key_v1(:name) AND counts.name = :name
        AND (CAST(:type AS text) IS NULL OR subjects.type = :type)
        AND counts.dataset_id = ANY(CAST(:places AS bigint[]))
""")


async def find_subject(session: AsyncSession, subject_id: int, readable: Readable) -> FoundSubject | None:
    """Return a subject as readable datasets name it, or that which people took it for; None where they name neither."""
    rows = await subjects_of_ids(session, [subject_id], readable)
    if not rows:
        rows = await subjects_of_ids(session, list(await session.scalars(_DECIDED, {"subject": subject_id})), readable)
    return rows[0] if rows else None


async def subjects_spelled(
    session: AsyncSession, name: str, readable: Readable, *, type_: str | None
) -> list[FoundSubject]:
    """Return the subjects that a list of these datasets, or of one of them, shows by exactly this name."""
    places = [*readable.places, *readable.datasets]
    ids = await session.scalars(_SPELLED, {"name": name, "type": type_, "places": places})
    return await subjects_of_ids(session, list(ids), readable)


async def subjects_of_ids(session: AsyncSession, subjects: Sequence[int], readable: Readable) -> list[FoundSubject]:
    """Return those of these subjects that the datasets name, the most named first."""
    asked = {"subjects": list(subjects), "places": readable.places}
    return [_subject(row) for row in await session.execute(_COUNTS, asked)]


_TIMES = text("""
    SELECT min(first.day) AS first, max(last.day) AS last FROM unnest(CAST(:datasets AS bigint[])) AS of_dataset(id)
    CROSS JOIN LATERAL (
        SELECT min(day) AS day FROM subject_items WHERE subject_id = :subject AND dataset_id = of_dataset.id
    ) AS first CROSS JOIN LATERAL (
        SELECT max(day) AS day FROM subject_items WHERE subject_id = :subject AND dataset_id = of_dataset.id
    ) AS last
""")


async def find_times(session: AsyncSession, subject_id: int, readable: Readable) -> Times:
    """Return when a subject that the datasets name was named first and last."""
    row = (await session.execute(_TIMES, {"subject": subject_id, "datasets": readable.datasets})).one()
    return Times(first=row.first, last=row.last)


# Only the newest items of each dataset are read, and of them only those that hold the page's mentions. Where a dataset has
# older ones than are looked at, nothing is known of items below the last of these: the highest such border is ``border``.
_HOLDING = text("""
    WITH looked_at AS MATERIALIZED (
        SELECT of_subject.id AS subject_id, of_dataset.id AS dataset_id, own.item_id, own.mentions
        FROM unnest(CAST(:subjects AS bigint[])) AS of_subject(id), unnest(CAST(:datasets AS bigint[])) AS of_dataset(id),
            LATERAL (
                SELECT item_id, mentions FROM subject_items
                WHERE subject_id = of_subject.id AND dataset_id = of_dataset.id ORDER BY item_id DESC LIMIT :depth
            ) AS own
    ), border AS MATERIALIZED (
        SELECT coalesce(max(item_id), 0) AS item_id FROM (
            SELECT min(item_id) AS item_id FROM looked_at GROUP BY subject_id, dataset_id HAVING count(*) = :depth
        ) AS cut
    ), newest AS (
        SELECT item_id, sum(mentions) AS mentions FROM looked_at
        WHERE item_id >= (SELECT item_id FROM border)
        GROUP BY item_id ORDER BY item_id DESC LIMIT :reach
    ), summed AS (
        SELECT item_id, mentions, sum(mentions) OVER (ORDER BY item_id DESC) AS so_far FROM newest
    )
    SELECT (SELECT item_id FROM border) AS border, coalesce(max(so_far), 0) AS known,
        array_agg(item_id) FILTER (WHERE so_far > :offset AND so_far - mentions < :reach) AS items,
        min(so_far - mentions) FILTER (WHERE so_far > :offset) AS before
    FROM summed
""")


async def _find_holding(
    session: AsyncSession, subjects: Sequence[int], readable: Readable, *, limit: int, offset: int
) -> tuple[list[int], int]:
    """Return the items that hold a page of mentions, and how many mentions stand in newer items."""
    reach = offset + limit
    asked = {"subjects": list(subjects), "datasets": readable.datasets, "offset": offset, "reach": reach}
    depth = min(reach, LEAST_NEWEST + 2 * reach // max(1, len(readable.datasets)))
    while True:
        row = (await session.execute(_HOLDING, {**asked, "depth": depth})).one()
        if row.border == 0 or row.known >= reach or depth == reach:
            return row.items or [], int(row.before or 0)
        depth = min(reach, depth * DEEPER)


async def find_mentions(
    session: AsyncSession, subjects: Sequence[int], readable: Readable, *, limit: int, offset: int
) -> list[FoundMention]:
    """Return one page of the places in the datasets where any of the subjects is named, those in the newest items first."""
    items, before = await _find_holding(session, subjects, readable, limit=limit, offset=offset)
    if not items:
        return []
    rows = await session.execute(
        select(
            Item.id.label("item_id"),
            Item.title,
            Dataset.id.label("dataset_id"),
            Library.slug.label("library"),
            Segment.position.label("segment"),
            Mention.start,
            Mention.end,
            Mention.text,
            Segment.text.label("said"),
            shown_speaker().label("speaker"),
        )
        .select_from(Item)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .join(Entity, Entity.item_id == Item.id)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Segment, is_present())
        .where(
            among(Item.id, items),
            Item.status == "published",
            # Adding 0 keeps the database from reading every item that names the subject instead of these few.
            among(Entity.subject_id + 0, subjects),
        )
        .order_by(Item.id.desc(), Mention.start, Mention.id)
        .limit(limit)
        .offset(offset - before)
    )
    return [FoundMention(**row) for row in rows.mappings()]
