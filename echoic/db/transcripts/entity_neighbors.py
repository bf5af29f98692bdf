"""The names that are said near another, over all recordings that an account may read."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, desc, distinct, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.base import among
from echoic.db.items.items import Item
from echoic.db.subjects.found import plan_for_values
from echoic.db.subjects.readable import Readable
from echoic.db.subjects.subjects import Subject
from echoic.db.transcripts.entities import Entity, Mention, is_present
from echoic.db.transcripts.transcripts import Segment

NEWEST_ITEMS = 100
"""So many of the newest items that name a subject are looked at: what is asked costs the same however often it is named."""
NEAR_SECONDS = 30.0
"""Names that begin within this time of each other count as said together: about two or three sentences each way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbor:
    """A name that is said near another."""

    type: str
    name: str
    items: int
    """In so many items both are said near each other."""
    mentions: int
    """So many mentions of it are near one of the other."""


_NEWEST = text("""
    SELECT DISTINCT own.item_id
    FROM unnest(CAST(:subjects AS bigint[])) AS of_subject(id), unnest(CAST(:datasets AS bigint[])) AS of_dataset(id), LATERAL (
        SELECT item_id FROM subject_items
        WHERE subject_id = of_subject.id AND dataset_id = of_dataset.id ORDER BY item_id DESC LIMIT :newest
    ) AS own ORDER BY own.item_id DESC LIMIT :newest
""")


async def find_neighbors(
    session: AsyncSession, subjects: Collection[int], readable: Readable, *, limit: int, offset: int
) -> tuple[list[Neighbor], int]:
    """Subjects that are named within ``NEAR_SECONDS`` of any of these, the most often named so first, and how many there are.

    Looked at are the newest ``NEWEST_ITEMS`` items of the datasets that name them.
    """
    asked = {"subjects": list(subjects), "datasets": readable.datasets, "newest": NEWEST_ITEMS}
    await plan_for_values(session)
    newest = list(await session.scalars(_NEWEST, asked))
    places = (
        select(Item.id.label("item_id"), Item.transcript_id, Entity.subject_id, Mention.start.label("start"))
        .select_from(Entity)
        .join(Item, Item.id == Entity.item_id)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Segment, is_present())
        .where(Item.status == "published", among(Item.id, newest), among(Entity.subject_id + 0, subjects))
        .cte("places")
        # Apart from what follows: the order of nine tables at once takes longer to find than the answer.
        .prefix_with("MATERIALIZED")
    )
    other, mention, segment, subject = aliased(Entity), aliased(Mention), aliased(Segment), aliased(Subject)
    items, mentions = func.count(distinct(other.item_id)), func.count(distinct(mention.id))
    name = func.coalesce(func.min(subject.name), func.min(other.name))
    near = (
        select(
            func.min(subject.type).label("type"),
            name.label("name"),
            items.label("items"),
            mentions.label("mentions"),
            func.count().over().label("total"),
        )
        .select_from(places)
        .join(other, and_(other.item_id == places.c.item_id, other.subject_id != places.c.subject_id))
        .join(subject, and_(subject.id == other.subject_id, subject.hidden.is_(False)))
        .join(
            mention,
            and_(
                mention.entity_id == other.id,
                mention.start.between(places.c.start - NEAR_SECONDS, places.c.start + NEAR_SECONDS),
            ),
        )
        .join(segment, and_(segment.id == mention.segment_id, segment.transcript_id == places.c.transcript_id))
        .group_by(subject.id)
    )
    ordered = near.order_by(desc("mentions"), desc("items"), name, subject.id)
    rows = (await session.execute(ordered.limit(limit).offset(offset))).all()
    if rows:
        found = [Neighbor(type=row.type, name=row.name, items=row.items, mentions=row.mentions) for row in rows]
        return found, int(rows[0].total)
    # Behind the last page no row tells how many there are.
    return [], await session.scalar(select(func.count()).select_from(near.subquery())) or 0
