"""Named entities of an item and where each is mentioned."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey, among
from echoic.db.connect import Database
from echoic.db.reads import Query


class Entity(Base):
    """A person, organization, place or product named in an item."""

    __tablename__ = "entities"
    __table_args__ = (
        CheckConstraint("type IN ('person', 'organization', 'place', 'product')", name="type"),
        UniqueConstraint("item_id", "type", "name"),
    )

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    type: Mapped[str]
    name: Mapped[str]


class Mention(Base):
    """One place where an entity is named."""

    __tablename__ = "mentions"

    id: Mapped[PrimaryKey]
    entity_id: Mapped[int] = mapped_column(ForeignKey("entities.id", ondelete="CASCADE"), index=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), index=True)
    start: Mapped[float] = mapped_column("start_seconds")
    end: Mapped[float] = mapped_column("end_seconds")
    text: Mapped[str]
    confidence: Mapped[float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundMention:
    """A mention that is about to be stored."""

    type: str
    name: str
    segment_id: int
    start: float
    end: float
    text: str
    confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityCount:
    """An entity of an item and how often it is mentioned."""

    id: int
    type: str
    name: str
    mentions: int


async def replace_entities(session: AsyncSession, *, item_id: int, found: list[FoundMention]) -> None:
    """Store an item's entities in place of those it had."""
    await session.execute(delete(Entity).where(Entity.item_id == item_id))
    names = sorted({(mention.type, mention.name) for mention in found})
    if not names:
        return
    rows = await session.execute(
        insert(Entity).returning(Entity.id, Entity.type, Entity.name),
        [{"item_id": item_id, "type": kind, "name": name} for kind, name in names],
    )
    ids = {(row.type, row.name): row.id for row in rows}
    await session.execute(
        insert(Mention),
        [
            {
                "entity_id": ids[mention.type, mention.name],
                "segment_id": mention.segment_id,
                "start": mention.start,
                "end": mention.end,
                "text": mention.text,
                "confidence": mention.confidence,
            }
            for mention in found
        ],
    )


async def mentions_in(session: AsyncSession, segment_ids: Collection[int]) -> list[Mention]:
    """The mentions that begin in any of these segments."""
    return list(await session.scalars(select(Mention).where(among(Mention.segment_id, segment_ids))))


async def remove_mentions(session: AsyncSession, mentions: Collection[Mention]) -> None:
    """Forget mentions, and entities that are then not mentioned any more."""
    await session.execute(delete(Mention).where(among(Mention.id, [mention.id for mention in mentions])))
    left = select(Mention.id).where(Mention.entity_id == Entity.id)
    named = {mention.entity_id for mention in mentions}
    await session.execute(delete(Entity).where(among(Entity.id, named), ~left.exists()))


_MENTIONS = func.count(Mention.id)
# Made once: every read of an item asks it.
_LIST_ENTITIES = Query(
    select(Entity.id, Entity.type, Entity.name, _MENTIONS)
    .outerjoin(Mention, Mention.entity_id == Entity.id)
    .where(Entity.item_id == bindparam("item_id"))
    .group_by(Entity.id)
    .order_by(_MENTIONS.desc(), Entity.name)
)


async def list_entities(database: Database, item_id: int) -> list[EntityCount]:
    """An item's entities, the most mentioned first."""
    rows = await database.read(_LIST_ENTITIES, item_id=item_id)
    return [EntityCount(id=row[0], type=row[1], name=row[2], mentions=row[3]) for row in rows]
