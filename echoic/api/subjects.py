"""One entity over all recordings that the caller may read: its mentions, its neighbors, and the graph around it."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.entities import DatasetFilter, FoundMentionBody, LibraryFilter
from echoic.api.parameters import DEFAULT_LIMIT, MAX_ID, Limit, Offset
from echoic.api.problems import Problem
from echoic.db.subjects import found, pairs
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.reading.entities import readable_subject
from echoic.records import EntityType

router = APIRouter(tags=["entities"], responses={"default": {"model": Problem}})

EntityId = Annotated[int, Path(ge=1, le=MAX_ID, description="The `id` in the list of entities.")]

SHOWN_NEIGHBORS = 20
MAX_NEIGHBORS = 20
DEFAULT_NEIGHBORS = 10
MAX_DEPTH = 2


class _NamedEntity(BaseModel):
    id: int
    type: EntityType = Field(description="What kind of thing is named.")
    name: str = Field(description="The name as recordings spell it, or as people wrote it.")


class NearEntityBody(_NamedEntity):
    """An entity that is named in the same minutes as another."""

    items: int = Field(description="In how many items both are named in one minute.")
    minutes: int = Field(description="The number of minutes that name both.")


class EntityInFullBody(_NamedEntity):
    """An entity over all recordings that you may read, with one page of its mentions."""

    id: int = Field(description="Another than the one asked for where people took that for this entity.")
    items: int = Field(description="In how many items it is named.")
    first_named: date = Field(
        description="The day on which the first item that names it was published, in UTC.", examples=["2026-01-31"]
    )
    last_named: date = Field(
        description="The day on which the last item that names it was published, in UTC.", examples=["2026-11-28"]
    )
    neighbors: list[NearEntityBody] = Field(
        description="The 20 entities that are most often named in the same minutes, the most often named first."
    )
    mentions: list[FoundMentionBody] = Field(description="One page of them, those in the newest items first.")
    total: int = Field(description="The number of its mentions.")
    limit: int
    offset: int


class EntityNodeBody(_NamedEntity):
    """An entity in a graph."""

    distance: int = Field(description="Steps from the entity in the middle.")


class EntityEdgeBody(BaseModel):
    """Two entities that are named in the same minutes."""

    source: int = Field(description="The id of the entity that was reached first.")
    target: int = Field(description="The id of the other entity.")
    items: int = Field(description="In how many items both are named in one minute.")
    minutes: int = Field(description="The number of minutes that name both.")


class EntityGraphBody(BaseModel):
    """The entities that are named together around one of them."""

    nodes: list[EntityNodeBody] = Field(description="The entity in the middle first, then by their distance.")
    edges: list[EntityEdgeBody] = Field(description="Each pair once.")


@router.get("/api/entities/{entity_id}", operation_id="getEntity")
async def get(
    entity_id: EntityId,
    *,
    caller: Reader,
    components: ComponentsDep,
    library: LibraryFilter = None,
    dataset: DatasetFilter = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> EntityInFullBody:
    """One entity over the published items you may read: where it is named, and what is named in the same minutes.

    An entity is known by its `id` in the list of entities. Items of datasets that are redacted for you do not count.
    """
    filters = EntityFilters(library=library, dataset=dataset)
    async with components.database.snapshot() as session:
        subject, readable = await readable_subject(session, entity_id, filters, caller)
        times = await found.find_times(session, subject.id, readable)
        mentions = await found.find_mentions(session, [subject.id], readable, limit=limit, offset=offset)
        neighbors = await pairs.find_neighbors(session, [subject.id], readable, limit=SHOWN_NEIGHBORS)
    return EntityInFullBody(
        id=subject.id,
        type=subject.type,
        name=subject.name,
        items=subject.items,
        first_named=times.first,
        last_named=times.last,
        neighbors=[NearEntityBody.model_validate(one, from_attributes=True) for one in neighbors],
        mentions=[FoundMentionBody.model_validate(one, from_attributes=True) for one in mentions],
        total=subject.mentions,
        limit=limit,
        offset=offset,
    )


@router.get("/api/entities/{entity_id}/graph", operation_id="getEntityGraph")
async def graph(
    entity_id: EntityId,
    *,
    caller: Reader,
    components: ComponentsDep,
    library: LibraryFilter = None,
    dataset: DatasetFilter = None,
    depth: Annotated[int, Query(ge=1, le=MAX_DEPTH, description="Steps from the entity.")] = 1,
    limit: Annotated[
        int, Query(ge=1, le=MAX_NEIGHBORS, description="Most neighbors of each entity.")
    ] = DEFAULT_NEIGHBORS,
) -> EntityGraphBody:
    """The graph of entities that are named in the same minutes, around one, in the published items you may read."""
    filters = EntityFilters(library=library, dataset=dataset)
    async with components.database.snapshot() as session:
        middle, readable = await readable_subject(session, entity_id, filters, caller)
        nodes, edges = await pairs.find_graph(session, middle, readable, depth=depth, limit=limit)
    return EntityGraphBody(
        nodes=[EntityNodeBody.model_validate(node, from_attributes=True) for node in nodes],
        edges=[EntityEdgeBody.model_validate(edge, from_attributes=True) for edge in edges],
    )
