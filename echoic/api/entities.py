"""Entities: of one item with every mention, and over all that the caller may read."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.names import NamePart
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, MAX_SLUG_CHARACTERS, Id, Limit, Offset
from echoic.api.patterns import NO_NUL, SLUG_CHARACTERS
from echoic.api.problems import Problem
from echoic.db.connect import Database
from echoic.db.speakers import speakers
from echoic.db.subjects import found as subjects
from echoic.db.subjects.readable import find_readable
from echoic.db.transcripts import entity_list, entity_neighbors
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.names.speaker_links import speakers_named
from echoic.reading.entities import require_readable
from echoic.reading.lookup import readable_item
from echoic.reading.redacted import policy_for, shown_entities
from echoic.records import EntityType

router = APIRouter(tags=["entities"], responses={"default": {"model": Problem}})

MAX_ENTITY_CHARACTERS = 1_000

TypeFilter = Annotated[EntityType | None, Query(description="Only entities of this type.")]
LibraryFilter = Annotated[
    str | None, Query(max_length=MAX_SLUG_CHARACTERS, pattern=SLUG_CHARACTERS, description="Slug: only its items.")
]
DatasetFilter = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Id: only its items.")]
EntityName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=MAX_ENTITY_CHARACTERS,
        pattern=NO_NUL,
        description="The name, spelled as in the list of entities.",
    ),
]


class NamedEntityBody(BaseModel):
    """A name, over all recordings."""

    id: int = Field(description="The same over all recordings.")
    type: EntityType = Field(description="What kind of thing is named.")
    name: str = Field(description="The name as recordings spell it, or as people wrote it.")
    items: int = Field(description="In how many items it is named.")
    mentions: int = Field(description="The number of times it is named in all of them.")


class NamedEntityList(BaseModel):
    """One page of names, the most mentioned first."""

    entities: list[NamedEntityBody]
    total: int = Field(
        description="The number of names, counted to 10,000; where more than 2,000 have `q` in them, to 2,000."
    )
    limit: int
    offset: int


class MentionBody(BaseModel):
    """One place where an entity is named."""

    segment: int = Field(description="The `id` of the segment in the transcript: its place, from 0.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    text: str = Field(description="The name as it stands in the transcript.")
    confidence: float | None = Field(description="0 to 1; null where the engine gives none, as spaCy's does not.")


class MentionedEntityBody(BaseModel):
    """An entity of an item."""

    id: int
    type: EntityType = Field(description="What kind of thing is named.")
    name: str = Field(description="The name under which the recording's mentions of it are joined.")
    speaker_id: int | None = Field(
        default=None, description="Of a person who also speaks in the item: their id among the library's speakers."
    )
    mentions: list[MentionBody] = Field(description="In the order in which they are said.")


class MentionedEntityList(BaseModel):
    """One page of an item's entities, the most mentioned first; empty until the item is published."""

    entities: list[MentionedEntityBody]
    total: int
    limit: int
    offset: int


class FoundMentionBody(BaseModel):
    """One place where a name is said."""

    item_id: int
    title: str = Field(description="The item's.")
    dataset_id: int
    library: str = Field(description="Its slug.")
    segment: int = Field(description="The `id` of the segment in the transcript: its place, from 0.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    text: str = Field(description="The name as it stands in the transcript.")
    said: str = Field(description="The text of the segment.")
    speaker: str | None = Field(description="The speaker who says it: the name, or the label where nobody has one.")


class FoundMentionList(BaseModel):
    """One page of the places where a name is said, those in the newest items first."""

    mentions: list[FoundMentionBody]
    total: int
    limit: int
    offset: int


class NeighborBody(BaseModel):
    """A name that is said near another."""

    type: EntityType = Field(description="What kind of thing is named.")
    name: str = Field(description="The name as it is said most often.")
    items: int = Field(description="In how many items both are said near each other.")
    mentions: int = Field(description="The number of its mentions that are near one of the other.")


class NeighborList(BaseModel):
    """One page of the names that are said near another, the most often said so first."""

    neighbors: list[NeighborBody]
    near_seconds: float = Field(description="Mentions that begin within this time of each other are near.")
    total: int
    limit: int
    offset: int


async def entity_filters(
    *,
    type: TypeFilter = None,  # noqa: A002 - the name in the URL
    library: LibraryFilter = None,
    dataset: DatasetFilter = None,
) -> EntityFilters:
    """Return the filters of a list of names, mentions or neighbors."""
    return EntityFilters(type=type, library=library, dataset=dataset)


Filters = Annotated[EntityFilters, Depends(entity_filters)]


@router.get("/api/entities", operation_id="searchEntities")
async def find(
    *,
    caller: Reader,
    components: ComponentsDep,
    q: Annotated[NamePart | None, Query(description="Part of a name, in any case.")] = None,
    filters: Filters,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> NamedEntityList:
    """The people and things named in the published items you may read, with the number of mentions.

    Names are joined within each recording, and over recordings where they are the same but for case and blanks. What
    people of a library decided about a name counts there.
    """
    filters = replace(filters, query=q)
    async with components.database.snapshot() as session:
        await require_readable(session, filters, caller)
        found, total = await subjects.find_subjects(
            session, account_id=caller.account_id, filters=filters, limit=limit, offset=offset
        )
    bodies = [NamedEntityBody.model_validate(entity, from_attributes=True) for entity in found]
    return NamedEntityList(entities=bodies, total=total, limit=limit, offset=offset)


@router.get("/api/entities/mentions", operation_id="listEntityMentions")
async def find_mentions(
    *,
    caller: Reader,
    components: ComponentsDep,
    name: EntityName,
    filters: Filters,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> FoundMentionList:
    """Every place in the published items you may read where a name is said; none where nothing is named so."""
    async with components.database.snapshot() as session:
        await require_readable(session, filters, caller)
        readable = await find_readable(session, account_id=caller.account_id, filters=filters)
        spelled = await subjects.subjects_spelled(session, name, readable, type_=filters.type)
        ids, total = [one.id for one in spelled], sum(one.mentions for one in spelled)
        found = await subjects.find_mentions(session, ids, readable, limit=limit, offset=offset)
    bodies = [FoundMentionBody.model_validate(mention, from_attributes=True) for mention in found]
    return FoundMentionList(mentions=bodies, total=total, limit=limit, offset=offset)


@router.get("/api/entities/neighbors", operation_id="listEntityNeighbors")
async def find_neighbors(
    *,
    caller: Reader,
    components: ComponentsDep,
    name: EntityName,
    filters: Filters,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> NeighborList:
    """The people and things named within half a minute of a name, in the newest 100 published items you may read that name it."""
    async with components.database.snapshot() as session:
        await require_readable(session, filters, caller)
        readable = await find_readable(session, account_id=caller.account_id, filters=filters)
        spelled = await subjects.subjects_spelled(session, name, readable, type_=filters.type)
        ids = [one.id for one in spelled]
        found, total = await entity_neighbors.find_neighbors(session, ids, readable, limit=limit, offset=offset)
    return NeighborList(
        neighbors=[NeighborBody.model_validate(neighbor, from_attributes=True) for neighbor in found],
        near_seconds=entity_neighbors.NEAR_SECONDS,
        total=total,
        limit=limit,
        offset=offset,
    )


@router.get("/api/items/{item_id}/entities", operation_id="listItemEntities")
async def of_item(
    item_id: Id,
    *,
    caller: Reader,
    components: ComponentsDep,
    type: TypeFilter = None,  # noqa: A002 - the name in the URL
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> MentionedEntityList:
    """The people and things that an item names, with every place where it does."""

    async def work(database: Database) -> MentionedEntityList:
        async with database.snapshot() as session:
            view = await readable_item(session, item_id, caller)
            if view.item.status != "published":
                return MentionedEntityList(entities=[], total=0, limit=limit, offset=offset)
            policy = policy_for(view)
            if policy is not None:
                kept, _ = await shown_entities(session, view.item, policy, type_=type)
                bodies = [MentionedEntityBody.model_validate(entity, from_attributes=True) for entity in kept]
                page = bodies[offset : offset + limit]
                return MentionedEntityList(entities=page, total=len(bodies), limit=limit, offset=offset)
            found, total = await entity_list.list_mentioned(
                session, item_id=item_id, type_=type, limit=limit, offset=offset
            )
            speaking = await speakers.speakers_in(session, view.item.transcript_id) if view.item.transcript_id else {}
        bodies = [MentionedEntityBody.model_validate(entity, from_attributes=True) for entity in found]
        persons = [body for body in bodies if body.type == "person"]
        speaker_ids = speakers_named([person.name for person in persons], speaking)
        for person in persons:
            person.speaker_id = speaker_ids.get(person.name)
        return MentionedEntityList(entities=bodies, total=total, limit=limit, offset=offset)

    return await components.aside.run(work)
