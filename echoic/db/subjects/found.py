"""Subjects for readers: listed by how often they are named, one in full, and the places where it is named.

Every statement sums kept counts over the datasets that an account may read in the original. None of them reads more rows
for a subject that is named more often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.items.items import Item
from echoic.db.transcripts.entities import Entity, Mention, is_present
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.db.transcripts.transcripts import Segment, shown_speaker

DEPTH = 200
"""So many of the most named subjects of each dataset are looked at first; of more only where these do not settle it."""
LOOKED_AT = 4_000
"""Fewer are looked at first where there are many datasets: so many in all, or as many of each as the page needs."""
BEYOND = 3
"""Halves of a page: where the datasets are alike, half as many more settle it at the first look."""
FIRST_ROWS = 30_000
"""So many counts are read first to see how long a list is."""
LEAST_NEWEST = 4
"""So many of the newest items of each dataset that name a subject are looked at first, at least."""
DEEPER = 8
"""Each further look goes so many times as deep."""
DEEPEST = 10_000_000
"""No dataset names so many subjects."""
MAX_COUNTED = 10_000
"""The length of a list of subjects is counted to here."""


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


async def readable_datasets(session: AsyncSession, *, account_id: int, filters: EntityFilters) -> list[int]:
    """Return the ids of the datasets that filters leave, and which the account may read with nothing redacted."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == account_id)
    wanted = (
        select(Dataset.id)
        .join(Library, Library.id == Dataset.library_id)
        .where(or_(Library.visibility == "public", Library.id.in_(memberships)), reads_original(account_id))
    )
    if filters.library is not None:
        wanted = wanted.where(Library.slug == filters.library)
    if filters.dataset is not None:
        wanted = wanted.where(Dataset.id == filters.dataset)
    return list(await session.scalars(wanted.order_by(Dataset.id)))


# The page of what ``candidates`` has, by exact sums; names are looked up of those alone that may stand on it. The index tells
# which dataset names a subject most often, so that one row is read for its name.
_PAGE = """summed AS MATERIALIZED (
        SELECT subject_id AS id, sum(items) AS items, sum(mentions) AS mentions
        FROM subject_counts
        WHERE subject_id = ANY(ARRAY(SELECT subject_id FROM candidates))
            AND dataset_id = ANY(CAST(:datasets AS bigint[]))
        GROUP BY subject_id
    ), page AS MATERIALIZED (
        SELECT (SELECT mentions FROM summed ORDER BY mentions DESC OFFSET :offset LIMIT 1) AS first,
            coalesce((SELECT mentions FROM summed ORDER BY mentions DESC OFFSET :last LIMIT 1), 0) AS last
    )
    SELECT summed.*, own.type, own.name, {more}
    FROM summed JOIN page ON summed.mentions BETWEEN page.last AND page.first
        JOIN subject_counts AS own ON own.subject_id = summed.id AND own.dataset_id = (
            SELECT dataset_id FROM subject_counts
            WHERE subject_id = summed.id AND dataset_id = ANY(CAST(:datasets AS bigint[]))
            ORDER BY mentions DESC, dataset_id LIMIT 1
        )
    ORDER BY summed.mentions DESC, own.name, own.type, summed.id LIMIT :limit
    OFFSET :offset - (SELECT count(*) FROM summed JOIN page ON summed.mentions > page.first)
"""
# A subject that stands in none of the looked-at beginnings has at most ``bound`` mentions. Of those that stand in one, only
# those are summed that may have as many as the last of the page.
_MOST_NAMED = """
    WITH beginnings AS MATERIALIZED (
        SELECT of_dataset.id AS dataset_id, most.subject_id, most.mentions
        FROM unnest(CAST(:datasets AS bigint[])) AS of_dataset(id) CROSS JOIN LATERAL (
            SELECT subject_id, mentions FROM subject_counts
            WHERE dataset_id = of_dataset.id {of_type} ORDER BY mentions DESC LIMIT :depth
        ) AS most
    ), ends AS MATERIALIZED (
        SELECT dataset_id, CASE WHEN count(*) < :depth THEN 0 ELSE min(mentions) END AS mentions
        FROM beginnings GROUP BY dataset_id
    ), bound AS MATERIALIZED (
        SELECT coalesce(sum(mentions), 0) AS mentions FROM ends
    ), partly AS MATERIALIZED (
        SELECT subject_id, sum(beginnings.mentions) AS least,
            sum(beginnings.mentions - ends.mentions) + (SELECT mentions FROM bound) AS most
        FROM beginnings JOIN ends USING (dataset_id) GROUP BY subject_id
    ), candidates AS MATERIALIZED (
        SELECT subject_id FROM partly
        WHERE most >= coalesce((SELECT least FROM partly ORDER BY least DESC OFFSET :last LIMIT 1), 0)
    ), {page}
"""
_ALL_MOST_NAMED = text(_MOST_NAMED.format(of_type="", page=_PAGE.format(more="(SELECT mentions FROM bound) AS bound")))
_MOST_NAMED_OF_TYPE = text(
    _MOST_NAMED.format(of_type="AND type = :type", page=_PAGE.format(more="(SELECT mentions FROM bound) AS bound"))
)
_MATCHING = """
    WITH candidates AS MATERIALIZED (
        SELECT id AS subject_id FROM subjects
        WHERE key LIKE '%' || regexp_replace(echoic_subject_key_v1(:query), '([\\\\%_])', '\\\\\\1', 'g') || '%'
            AND (CAST(:type AS text) IS NULL OR type = :type)
    ), {page}
"""
_BY_NAME = text(_MATCHING.format(page=_PAGE.format(more="(SELECT count(*) FROM summed) AS total")))
# The first rows, dataset by dataset, tell of most lists how long they are.
_FIRST = text("""
    SELECT count(DISTINCT subject_id) AS subjects, count(*) AS rows FROM (
        SELECT of_dataset.subject_id FROM unnest(CAST(:datasets AS bigint[])) AS one(id) CROSS JOIN LATERAL (
            SELECT subject_id FROM subject_counts
            WHERE dataset_id = one.id AND (CAST(:type AS text) IS NULL OR type = :type)
        ) AS of_dataset LIMIT :rows
    ) AS first
""")
_HOW_MANY = text("""
    SELECT count(*) FROM (
        SELECT DISTINCT subject_id FROM subject_counts
        WHERE dataset_id = ANY(CAST(:datasets AS bigint[])) AND (CAST(:type AS text) IS NULL OR type = :type)
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
    """Return subjects that the account may read of, the most named first, and how many there are, to ``MAX_COUNTED``."""
    datasets = await readable_datasets(session, account_id=account_id, filters=filters)
    asked = {"datasets": datasets, "type": filters.type, "limit": limit, "offset": offset}
    if filters.query is not None:
        await plan_for_values(session)
        return await _find_by_name(session, asked, filters.query)
    total = await _how_many(session, asked)
    if offset >= total and total < MAX_COUNTED:
        return [], total
    statement = _ALL_MOST_NAMED if filters.type is None else _MOST_NAMED_OF_TYPE
    depth = max(BEYOND * (limit + offset) // 2, min(DEPTH, LOOKED_AT // max(1, len(datasets))))
    while True:
        rows = (await session.execute(statement, {**asked, "depth": depth, "last": limit + offset - 1})).all()
        if (rows and (rows[0].bound == 0 or rows[-1].mentions > rows[0].bound)) or depth > DEEPEST:
            return [_subject(row) for row in rows], total
        depth *= DEEPER


_PLAN_FOR_VALUES = text("SET LOCAL plan_cache_mode = force_custom_plan")


async def plan_for_values(session: AsyncSession) -> None:
    """Have the statements of this transaction planned for what is asked, also when they were asked several times before.

    A plan for any values takes several times as long where a statement has long arrays or parts of names.
    """
    await session.execute(_PLAN_FOR_VALUES)


async def _find_by_name(session: AsyncSession, asked: dict[str, Any], query: str) -> tuple[list[FoundSubject], int]:
    last = asked["limit"] + asked["offset"] - 1
    rows = (await session.execute(_BY_NAME, {**asked, "query": query, "last": last})).all()
    if not rows and asked["offset"]:
        _, total = await _find_by_name(session, {**asked, "limit": 1, "offset": 0}, query)
        return [], total
    return [_subject(row) for row in rows], rows[0].total if rows else 0


def _subject(row: Row[Any]) -> FoundSubject:
    return FoundSubject(id=row.id, type=row.type, name=row.name, items=int(row.items), mentions=int(row.mentions))


_COUNTS = text("""
    SELECT of_subject.id, own.type, own.name, summed.items, summed.mentions
    FROM (SELECT DISTINCT unnest(CAST(:subjects AS bigint[])) AS id) AS of_subject CROSS JOIN LATERAL (
        SELECT sum(items) AS items, sum(mentions) AS mentions,
            (array_agg(dataset_id ORDER BY mentions DESC, dataset_id))[1] AS most_in
        FROM subject_counts WHERE subject_id = of_subject.id AND dataset_id = ANY(CAST(:datasets AS bigint[]))
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
        AND counts.dataset_id = ANY(CAST(:datasets AS bigint[]))
""")


async def find_subject(session: AsyncSession, subject_id: int, datasets: Sequence[int]) -> FoundSubject | None:
    """Return a subject as the datasets name it, or that which people took it for; None where they name neither."""
    rows = await subjects_of_ids(session, [subject_id], datasets)
    if not rows:
        rows = await subjects_of_ids(session, list(await session.scalars(_DECIDED, {"subject": subject_id})), datasets)
    return rows[0] if rows else None


async def subjects_spelled(
    session: AsyncSession, name: str, datasets: Sequence[int], *, type_: str | None
) -> list[FoundSubject]:
    """Return the subjects that a list of these datasets shows by exactly this name."""
    ids = await session.scalars(_SPELLED, {"name": name, "type": type_, "datasets": list(datasets)})
    return await subjects_of_ids(session, list(ids), datasets)


async def subjects_of_ids(
    session: AsyncSession, subjects: Sequence[int], datasets: Sequence[int]
) -> list[FoundSubject]:
    """Return those of these subjects that the datasets name, the most named first."""
    asked = {"subjects": list(subjects), "datasets": list(datasets)}
    return [_subject(row) for row in await session.execute(_COUNTS, asked)]


_TIMES = text("""
    SELECT min(first.day) AS first, max(last.day) AS last FROM unnest(CAST(:datasets AS bigint[])) AS of_dataset(id)
    CROSS JOIN LATERAL (
        SELECT min(day) AS day FROM subject_items WHERE subject_id = :subject AND dataset_id = of_dataset.id
    ) AS first CROSS JOIN LATERAL (
        SELECT max(day) AS day FROM subject_items WHERE subject_id = :subject AND dataset_id = of_dataset.id
    ) AS last
""")


async def find_times(session: AsyncSession, subject_id: int, datasets: Sequence[int]) -> Times:
    """Return when a subject that the datasets name was named first and last."""
    row = (await session.execute(_TIMES, {"subject": subject_id, "datasets": list(datasets)})).one()
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
    session: AsyncSession, subjects: Sequence[int], datasets: Sequence[int], *, limit: int, offset: int
) -> tuple[list[int], int]:
    """Return the items that hold a page of mentions, and how many mentions stand in newer items."""
    reach = offset + limit
    asked = {"subjects": list(subjects), "datasets": list(datasets), "offset": offset, "reach": reach}
    depth = min(reach, LEAST_NEWEST + 2 * reach // max(1, len(datasets)))
    while True:
        row = (await session.execute(_HOLDING, {**asked, "depth": depth})).one()
        if row.border == 0 or row.known >= reach or depth == reach:
            return row.items or [], int(row.before or 0)
        depth = min(reach, depth * DEEPER)


async def find_mentions(
    session: AsyncSession, subjects: Sequence[int], datasets: Sequence[int], *, limit: int, offset: int
) -> list[FoundMention]:
    """Return one page of the places in the datasets where any of the subjects is named, those in the newest items first."""
    items, before = await _find_holding(session, subjects, datasets, limit=limit, offset=offset)
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
