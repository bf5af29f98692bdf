"""Tools for the people and things that are named: found by name, one with its mentions, and how they go together."""

from typing import Annotated, Literal

from mcp_types import CallToolResult
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.transcripts import entity_list, entity_mentions
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.db.transcripts.entity_mentions import NEAR_SECONDS, FoundMention, Neighbor
from echoic.mcp_server.answers import Link, Page, answer, next_offset
from echoic.mcp_server.asking import Asking, ToolContext, asking
from echoic.mcp_server.parameters import DEFAULT_PAGE, DatasetId, Library, Limit, Offset, Text
from echoic.mcp_server.registry import Tool
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
    """A name that is said within half a minute of another."""

    type: EntityType
    name: str
    items: int = Field(description="In how many recordings both are said near each other.")
    mentions: int = Field(description="How often it is said near the other.")


class EntityInFull(Page):
    """A name, with one page of the places where it is said, those in the newest recordings first."""

    name: str
    mentions: list[Place]
    neighbors: list[Near] = Field(description="The names that are most often said near it.")


class Edge(BaseModel):
    """Two names that are said near each other."""

    source: str
    target: str
    mentions: int
    items: int


class Node(BaseModel):
    """A name in the graph."""

    name: str
    type: EntityType | None = Field(description="null: of the name that was asked for where no type was given.")
    distance: int = Field(description="Steps from the name that was asked for.")


class Graph(BaseModel):
    """Names that are said near each other, around one of them."""

    nodes: list[Node]
    edges: list[Edge]
    near_seconds: float = Field(description="Names that begin within this time of each other are near.")


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
    async with who.database.transaction() as session:
        await require_readable(session, filters, who.caller)
        found, total = await entity_list.find_entities(
            session, account_id=who.caller.account_id, filters=filters, limit=limit, offset=offset
        )
    body = Entities(
        entities=[Entity.model_validate(one, from_attributes=True) for one in found],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(found), total=total),
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
    async with who.database.transaction() as session:
        await require_readable(session, filters, who.caller)
        found, total = await entity_mentions.find_mentions(
            session, account_id=who.caller.account_id, name=name, filters=filters, limit=limit, offset=offset
        )
        near = await _neighbors(session, who, name, filters, DEFAULT_NEIGHBORS)
    body = EntityInFull(
        name=name,
        mentions=[_place(one, who) for one in found],
        neighbors=[Near.model_validate(one, from_attributes=True) for one in near],
        total=total,
        next_offset=next_offset(offset=offset, shown=len(found), total=total),
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
    """Get the graph of names that are said near each other, around one name."""
    who = asking(ctx)
    filters = EntityFilters(type=type, library=library, dataset=dataset_id)
    everywhere = EntityFilters(library=library, dataset=dataset_id)
    nodes = {name: Node(name=name, type=type, distance=0)}
    edges: dict[frozenset[str], Edge] = {}
    reached = [name]
    async with who.database.transaction() as session:
        await require_readable(session, filters, who.caller)
        for distance in range(1, depth + 1):
            found: list[str] = []
            for source in reached:
                wanted = filters if source == name else everywhere
                for one in await _neighbors(session, who, source, wanted, limit):
                    pair = frozenset((source, one.name))
                    edges.setdefault(pair, Edge(source=source, target=one.name, mentions=one.mentions, items=one.items))
                    if one.name not in nodes:
                        node = Node.model_validate({"name": one.name, "type": one.type, "distance": distance})
                        nodes[one.name] = node
                        found.append(one.name)
            reached = found
    return answer(Graph(nodes=list(nodes.values()), edges=list(edges.values()), near_seconds=NEAR_SECONDS))


async def _neighbors(
    session: AsyncSession, who: Asking, name: str, filters: EntityFilters, limit: int
) -> list[Neighbor]:
    found, _ = await entity_mentions.find_neighbors(
        session, account_id=who.caller.account_id, name=name, filters=filters, limit=limit, offset=0
    )
    return found


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
