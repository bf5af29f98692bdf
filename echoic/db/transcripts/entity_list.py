"""Entities of an item for readers, with every mention, and the filters of lists over many items."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset, Library, LibraryMember, reads_original
from echoic.db.items.items import Item
from echoic.db.transcripts.entities import Entity, Mention, is_present
from echoic.db.transcripts.transcripts import Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityFilters:
    """Filters of a list; None leaves a filter out."""

    query: str | None = None
    """Part of a name, in any case."""
    type: str | None = None
    library: str | None = None
    """Slug."""
    dataset: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedMention:
    """A place where an entity is named; ``segment`` is the segment's place in the transcript, from 0."""

    segment: int
    start: float
    end: float
    text: str
    confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MentionedEntity:
    """An entity of an item with its mentions in the order in which they are said."""

    id: int
    type: str
    name: str
    mentions: tuple[PlacedMention, ...]


def readable(account_id: int) -> ColumnElement[bool]:
    """For a statement over items and their libraries: the item is published, and the account may read the original."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == account_id)
    may_read = or_(Library.visibility == "public", Library.id.in_(memberships))
    return and_(Item.status == "published", may_read, reads_original(account_id))


def conditions(filters: EntityFilters) -> list[ColumnElement[bool]]:
    """Return the conditions that filters set, for a statement over entities, their datasets and libraries."""
    wanted: list[ColumnElement[bool]] = []
    if filters.type is not None:
        wanted.append(Entity.type == filters.type)
    if filters.library is not None:
        wanted.append(Library.slug == filters.library)
    if filters.dataset is not None:
        wanted.append(Dataset.id == filters.dataset)
    return wanted


async def list_mentioned(
    session: AsyncSession, *, item_id: int, type_: str | None, limit: int | None, offset: int
) -> tuple[list[MentionedEntity], int]:
    """Return one page of an item's entities, the most mentioned first, and how many there are."""
    wanted = (
        select(Entity.id, Entity.type, Entity.name)
        .join(Item, Item.id == Entity.item_id)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Segment, is_present())
        .where(Entity.item_id == item_id)
        .group_by(Entity.id)
    )
    if type_ is not None:
        wanted = wanted.where(Entity.type == type_)
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    ordered = wanted.order_by(func.count().desc(), Entity.name, Entity.id)
    rows = (await session.execute(ordered.limit(limit).offset(offset))).all()
    mentions = await _mentions_of(session, [row.id for row in rows])
    found = [MentionedEntity(id=row.id, type=row.type, name=row.name, mentions=mentions[row.id]) for row in rows]
    return found, total or 0


async def _mentions_of(session: AsyncSession, entity_ids: Sequence[int]) -> dict[int, tuple[PlacedMention, ...]]:
    rows = await session.execute(
        select(Mention, Segment.position)
        .join(Entity, Entity.id == Mention.entity_id)
        .join(Item, Item.id == Entity.item_id)
        .join(Segment, is_present())
        .where(Mention.entity_id.in_(entity_ids))
        .order_by(Mention.start, Mention.id)
    )
    found: dict[int, list[PlacedMention]] = {entity_id: [] for entity_id in entity_ids}
    for mention, position in rows:
        found[mention.entity_id].append(
            PlacedMention(
                segment=position,
                start=mention.start,
                end=mention.end,
                text=mention.text,
                confidence=mention.confidence,
            )
        )
    return {entity_id: tuple(mentions) for entity_id, mentions in found.items()}
