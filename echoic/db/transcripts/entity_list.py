"""Entities of an item for readers, with every mention, and the filters of lists over many items."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

from sqlalchemy import distinct, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item
from echoic.db.subjects.subjects import Subject
from echoic.db.transcripts.entities import (
    Entity,
    Mention,
    is_present,
    is_shown,
    shown_name,
    shown_type,
    subject_of,
)
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


async def list_mentioned(
    session: AsyncSession, *, item_id: int, type_: str | None, limit: int | None, offset: int, as_found: bool = False
) -> tuple[list[MentionedEntity], int]:
    """Return one page of an item's entities, the most mentioned first, and how many there are.

    Those of one subject are one, by the name that people gave it; with ``as_found`` each is as the tagger found it. What
    people hid is left out of both.
    """
    name, of_type = (func.min(Entity.name), func.min(Entity.type)) if as_found else (shown_name(), shown_type())
    ids = func.array_agg(distinct(Entity.id))
    wanted = (
        select(ids.label("ids"), of_type.label("type"), name.label("name"))
        .join(Item, Item.id == Entity.item_id)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Segment, is_present())
        .outerjoin(Subject, Subject.id == Entity.subject_id)
        .where(Entity.item_id == item_id, is_shown())
        .group_by(Entity.id if as_found else subject_of())
    )
    if type_ is not None:
        wanted = wanted.having(of_type == type_)
    total = await session.scalar(select(func.count()).select_from(wanted.subquery()))
    ordered = wanted.order_by(func.count().desc(), name, func.min(Entity.id))
    rows = (await session.execute(ordered.limit(limit).offset(offset))).all()
    mentions = await _mentions_of(session, [entity_id for row in rows for entity_id in row.ids])
    found = [
        MentionedEntity(
            id=min(row.ids),
            type=row.type,
            name=row.name,
            mentions=tuple(merge(*(mentions[entity_id] for entity_id in row.ids), key=lambda one: one.start)),
        )
        for row in rows
    ]
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
