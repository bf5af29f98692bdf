"""The names that are said near another, over all recordings that an account may read."""

from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import Select, and_, desc, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Item
from echoic.db.transcripts.entities import Entity, Mention, is_present
from echoic.db.transcripts.entity_list import EntityFilters, conditions, readable
from echoic.db.transcripts.transcripts import Segment

NEAR_SECONDS = 30.0
"""Names that begin within this time of each other count as said together: about two or three sentences each way."""

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbor:
    """A name that is said near another."""

    type: str
    name: str
    items: int
    """In so many items both are said near each other."""
    mentions: int
    """So many mentions of it are near one of the other."""


async def find_neighbors(
    session: AsyncSession, *, account_id: int, name: str, filters: EntityFilters, limit: int, offset: int
) -> tuple[list[Neighbor], int]:
    """Names that are said within ``NEAR_SECONDS`` of this one, the most often said so first, and how many there are."""
    places = _present(
        select(
            Item.id.label("item_id"),
            Item.transcript_id,
            Entity.id.label("entity_id"),
            Mention.start.label("start"),
        ),
        account_id,
        name,
        filters,
    ).cte("places")
    other, mention, segment = aliased(Entity), aliased(Mention), aliased(Segment)
    items, mentions = func.count(distinct(other.item_id)), func.count(distinct(mention.id))
    near = (
        select(other.type, other.name, items.label("items"), mentions.label("mentions"))
        .select_from(places)
        .join(other, and_(other.item_id == places.c.item_id, other.id != places.c.entity_id))
        .join(
            mention,
            and_(
                mention.entity_id == other.id,
                mention.start.between(places.c.start - NEAR_SECONDS, places.c.start + NEAR_SECONDS),
            ),
        )
        .join(segment, and_(segment.id == mention.segment_id, segment.transcript_id == places.c.transcript_id))
        .group_by(other.type, other.name)
    )
    total = await session.scalar(select(func.count()).select_from(near.subquery()))
    ordered = near.order_by(desc("mentions"), desc("items"), other.name, other.type)
    rows = await session.execute(ordered.limit(limit).offset(offset))
    return [Neighbor(**row) for row in rows.mappings()], total or 0


def _present(statement: Select[*Columns], account_id: int, name: str, filters: EntityFilters) -> Select[*Columns]:
    """Return the statement over the mentions of a name in present transcripts that the account may read."""
    return (
        statement.select_from(Entity)
        .join(Item, Item.id == Entity.item_id)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Segment, is_present())
        .where(readable(account_id), Entity.name == name, *conditions(filters))
    )
