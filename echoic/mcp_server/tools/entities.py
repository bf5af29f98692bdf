"""Tools for the people and things that are named: found by name, one with its mentions, and how they go together."""

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.subjects import found, pairs
from echoic.db.subjects.found import FoundMention, FoundSubject
from echoic.db.subjects.pairs import NEAR_SECONDS
from echoic.db.subjects.readable import Readable, find_readable
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.mcp_server.answers import Link, Page, answer, next_offset
from echoic.mcp_server.asking import Asking
from echoic.mcp_server.parameters import DEFAULT_PAGE, DatasetId, Library, Limit, Offset, Text
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.reading.entities import require_readable

MAX_NEIGHBORS = 20
DEFAULT_NEIGHBORS = 10

EntityType = Literal["person", "organization", "place", "product"]
OfType = Annotated[EntityType | None, Field(description="Only names of this kind.")]
Name = Annotated[Text, Field(description="The name, spelled as search_entities gives it.")]


class Entity(BaseModel):
    """A name, over all recordings."""

    type: EntityType
    name: str
    items: int = Field(description="In how many recordings it is said.")
    mentions: int = Field(description="How often it is said in all of them.")


class Entities(Page):
    """One page of names, the most mentioned first."""

    entities: list[Entity]


class Place(BaseModel):
    """A place where a name is said."""

    item_id: int
    title: str = Field(description="The recording's.")
    start: float
    speaker: str | None
    said: str = Field(description="The text around it.")
    url: str


class Near(BaseModel):
    """A name that is said in the same minutes as another."""

    type: EntityType
    name: str
    items: int = Field(description="In how many recordings both are said in one minute.")
    minutes: int = Field(description="How many minutes name both.")


class EntityInFull(Page):
    """A name, with one page of the places where it is said, those in the newest recordings first."""

    name: str
    mentions: list[Place]
    neighbors: list[Near] = Field(description="The names that are most often said in the same minutes.")


class Edge(BaseModel):
    """Two names that are said in the same minutes."""

    source: str
    target: str
    minutes: int
    items: int


class Node(BaseModel):
    """A name in the graph."""

    name: str
    type: EntityType | None = Field(description="null where nothing is named so.")
    distance: int = Field(description="Steps from the name that was asked for.")


class Graph(BaseModel):
    """Names that are said in the same minutes, around one of them."""

    nodes: list[Node]
    edges: list[Edge]
    near_seconds: float = Field(description="The length of the minutes: recordings are cut into them from their start.")


async def search_entities(
    ctx: ToolContext,
    *,
    query: Annotated[Text | None, Field(description="Part of a name, in any case; all names if left out.")] = None,
    type: OfType = None,  # noqa: A002 - the name that agents give
    library: Library = None,
    dataset_id: DatasetId = None,
    limit: Limit = DEFAULT_PAGE,
    offset: Offset = 0,
) -> Annotated[CallToolResult, Entities]:
    """Find people, organizations, places and products that are named in recordings, the most mentioned first."""
    who = asking(ctx)
    filters = EntityFilters(query=query, type=type, library=library, dataset=dataset_id)
    async with who.database.snapshot() as session:
        await require_readable(session, filters, who.caller)
        named, total = await found.find_subjects(
            session, account_id=who.caller.account_id, filters=filters, limit=limit, offset=offset
        )
    body = Entities(
        entities=[Entity.model_validate(one, from_attributes=True) for one in named],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(named), total=total),
    )
    return answer(body)


async def get_entity(
    ctx: ToolContext,
    *,
    name: Name,
    type: OfType = None,  # noqa: A002
    library: Library = None,
    dataset_id: DatasetId = None,
    limit: Limit = DEFAULT_PAGE,
    offset: Offset = 0,
) -> Annotated[CallToolResult, EntityInFull]:
    """Get the places where a name is said, with the sentence around each, and the names said near it."""
    who = asking(ctx)
    filters = EntityFilters(type=type, library=library, dataset=dataset_id)
    async with who.database.snapshot() as session:
        named, readable = await _named(session, who, name, filters)
        ids, total = [one.id for one in named], sum(one.mentions for one in named)
        places = await found.find_mentions(session, ids, readable, limit=limit, offset=offset)
        near = await pairs.find_neighbors(session, ids[:1], readable, limit=DEFAULT_NEIGHBORS)
    body = EntityInFull(
        name=name,
        mentions=[_place(one, who) for one in places],
        neighbors=[Near.model_validate(one, from_attributes=True) for one in near],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(places), total=total),
    )
    return answer(body, (Link(uri=one.url, name=one.title) for one in body.mentions))


async def get_entity_graph(
    ctx: ToolContext,
    *,
    name: Name,
    type: OfType = None,  # noqa: A002
    library: Library = None,
    dataset_id: DatasetId = None,
    depth: Annotated[int, Field(ge=1, le=2, description="Steps from the name.")] = 1,
    limit: Annotated[
        int, Field(ge=1, le=MAX_NEIGHBORS, description="Most neighbors of each name.")
    ] = DEFAULT_NEIGHBORS,
) -> Annotated[CallToolResult, Graph]:
    """Get the graph of names that are said in the same minutes, around one name."""
    who = asking(ctx)
    filters = EntityFilters(type=type, library=library, dataset=dataset_id)
    async with who.database.snapshot() as session:
        named, readable = await _named(session, who, name, filters)
        if not named:
            return answer(Graph(nodes=[Node(name=name, type=type, distance=0)], edges=[], near_seconds=NEAR_SECONDS))
        nodes, edges = await pairs.find_graph(session, named[0], readable, depth=depth, limit=limit)
    names = {node.id: node.name for node in nodes}
    body = Graph(
        nodes=[Node.model_validate(node, from_attributes=True) for node in nodes],
        edges=[
            Edge(source=names[edge.source], target=names[edge.target], minutes=edge.minutes, items=edge.items)
            for edge in edges
        ],
        near_seconds=NEAR_SECONDS,
    )
    return answer(body)


async def _named(
    session: AsyncSession, who: Asking, name: str, filters: EntityFilters
) -> tuple[list[FoundSubject], Readable]:
    """Return the subjects with exactly this name, the most named first, and the datasets that are looked at."""
    await require_readable(session, filters, who.caller)
    readable = await find_readable(session, account_id=who.caller.account_id, filters=filters)
    return await found.subjects_spelled(session, name, readable, type_=filters.type), readable


def _place(mention: FoundMention, who: Asking) -> Place:
    return Place(
        item_id=mention.item_id,
        title=mention.title,
        start=mention.start,
        speaker=mention.speaker,
        said=mention.said,
        url=who.page_of(mention.item_id, mention.start),
    )


TOOLS = (
    Tool(function=search_entities, title="Find names that are said"),
    Tool(function=get_entity, title="Look at a name"),
    Tool(function=get_entity_graph, title="See names that go together"),
)
