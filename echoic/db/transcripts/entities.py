"""Named entities of an item and where each is mentioned."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    UniqueConstraint,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey, among, among_given
from echoic.db.connect import Database
from echoic.db.items.items import Item
from echoic.db.reads import Query
from echoic.db.speakers.speakers import ItemSpeaker, Speaker
from echoic.db.subjects.locks import hold_names_of_item
from echoic.db.subjects.subjects import Subject
from echoic.db.transcripts.transcripts import Segment


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
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("subjects.id", ondelete="SET NULL"), index=True)
    """Whom or what it is over all recordings; a trigger writes it (migration 0041)."""


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


def is_present() -> ColumnElement[bool]:
    """For a statement over mentions, their segments and items: it stands in the item's present transcript.

    What a new run found in a newer one waits, as that does, until it is published.
    """
    return and_(Segment.id == Mention.segment_id, Segment.transcript_id == Item.transcript_id)


def subject_of() -> ColumnElement[int]:
    """For a statement that groups entities of items: one value for those of one subject."""
    return func.coalesce(Entity.subject_id, -Entity.id)


def shown_name() -> ColumnElement[str]:
    """For a statement over entities grouped so, with their subjects: the name that people gave, or that is said."""
    return func.coalesce(func.min(Subject.name), func.min(Entity.name))


def shown_type() -> ColumnElement[str]:
    """For the same statement: of which type the subject is."""
    return func.coalesce(func.min(Subject.type), func.min(Entity.type))


def is_shown() -> ColumnElement[bool]:
    """For a statement over entities with their subjects: people have not hidden it."""
    return Subject.hidden.is_not(True)


async def replace_entities(
    session: AsyncSession, *, item_id: int, transcript_id: int, found: list[FoundMention]
) -> None:
    """Store what is named in one of an item's transcripts in place of what was; that of others stays."""
    await hold_names_of_item(session, item_id)
    segments = select(Segment.id).where(Segment.transcript_id == transcript_id)
    await session.execute(delete(Mention).where(Mention.segment_id.in_(segments)))
    await _remove_unmentioned(session, Entity.item_id == item_id)
    # In the order of their subjects: two items that name the same new ones would wait for each other.
    names = sorted(
        {(mention.type, mention.name) for mention in found}, key=lambda one: (one[0], one[1].lower(), one[1])
    )
    if not names:
        return
    new = postgresql.insert(Entity).values([{"item_id": item_id, "type": kind, "name": name} for kind, name in names])
    # An update that changes nothing has those returned, too, that another transcript names.
    known = new.on_conflict_do_update(index_elements=["item_id", "type", "name"], set_={"name": new.excluded.name})
    rows = await session.execute(known.returning(Entity.id, Entity.type, Entity.name))
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
    """Return the mentions that begin in any of these segments."""
    return list(await session.scalars(select(Mention).where(among(Mention.segment_id, segment_ids))))


async def people_named_in(session: AsyncSession, item: Item) -> set[str]:
    """Return the names of the persons that an item's present transcript mentions, and each as it is said there."""
    rows = await session.execute(
        select(Entity.name, Mention.text)
        .join(Mention, Mention.entity_id == Entity.id)
        .join(Item, Item.id == Entity.item_id)
        .join(Segment, is_present())
        .where(Entity.item_id == item.id, Entity.type == "person")
        .distinct()
    )
    return {name for row in rows for name in row}


_NAMED = union_all(
    select(Entity.item_id, Entity.name).where(
        among_given(Entity.item_id, "ids", BigInteger()), Entity.type == "person"
    ),
    select(ItemSpeaker.item_id, Speaker.name)
    .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
    .where(among_given(ItemSpeaker.item_id, "ids", BigInteger())),
).subquery()
_PEOPLE = Query(select(_NAMED.c.item_id, _NAMED.c.name))


async def people_of(database: Database, item_ids: Collection[int]) -> dict[int, set[str]]:
    """Return by item the names of the persons who were mentioned, or known by their voice, in any of its transcripts."""
    found: dict[int, set[str]] = {}
    for item_id, name in await database.read(_PEOPLE, ids=list(item_ids)):
        found.setdefault(item_id, set()).add(name)
    return found


async def remove_mentions(session: AsyncSession, mentions: Collection[Mention]) -> None:
    """Forget mentions, and entities that are then not mentioned any more."""
    await session.execute(delete(Mention).where(among(Mention.id, [mention.id for mention in mentions])))
    await _remove_unmentioned(session, among(Entity.id, {mention.entity_id for mention in mentions}))


async def _remove_unmentioned(session: AsyncSession, of_these: ColumnElement[bool]) -> None:
    left = select(Mention.id).where(Mention.entity_id == Entity.id)
    await session.execute(delete(Entity).where(of_these, ~left.exists()))


_MENTIONS = func.count(Mention.id)
# Made once: every read of an item asks it.
_LIST_ENTITIES = Query(
    select(func.min(Entity.id), shown_type(), shown_name().label("name"), _MENTIONS)
    .join(Item, Item.id == Entity.item_id)
    .join(Mention, Mention.entity_id == Entity.id)
    .join(Segment, is_present())
    .outerjoin(Subject, Subject.id == Entity.subject_id)
    .where(Entity.item_id == bindparam("item_id"), is_shown())
    .group_by(subject_of())
    .order_by(_MENTIONS.desc(), "name")
)


async def list_entities(database: Database, item_id: int) -> list[EntityCount]:
    """Return an item's entities, the most mentioned first."""
    rows = await database.read(_LIST_ENTITIES, item_id=item_id)
    return [EntityCount(id=row[0], type=row[1], name=row[2], mentions=row[3]) for row in rows]
