"""The tool for what is named and said more than before."""

from typing import Annotated

from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from echoic.db.subjects.trending import Kind
from echoic.db.transcripts.entity_list import EntityFilters
from echoic.mcp_server.answers import Link, answer
from echoic.mcp_server.parameters import DEFAULT_PAGE, DatasetId, Library, Limit
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.mcp_server.tools.entities import EntityType, OfType
from echoic.reading import trending

MAX_DAYS = 365
DEFAULT_DAYS = 7


class Recording(BaseModel):
    """A recording behind it."""

    item_id: int
    title: str
    mentions: int = Field(description="How often it is said there.")
    url: str


class Trend(BaseModel):
    """A name or word that more recordings say than before."""

    name: str
    type: EntityType | None = Field(description="null of a word.")
    growth: float = Field(description="How many times as many recordings as at the rate of the days before.")
    items: int = Field(description="In how many recordings of these days it is said.")
    items_before: int = Field(description="In how many of as many days before.")
    recordings: list[Recording] = Field(description="The newest of these days, at most 3.")


class Trends(BaseModel):
    """Names or words that more recordings say than before, the most growing first."""

    first_day: str
    last_day: str
    items: int = Field(description="The number of recordings of these days.")
    items_before: int = Field(description="Of as many days before; where it is 0, nothing can grow.")
    trends: list[Trend]


async def get_trending(
    ctx: ToolContext,
    *,
    kind: Annotated[Kind, Field(description="People and things that are named, or words that are said.")] = "entities",
    days: Annotated[
        int, Field(ge=1, le=MAX_DAYS, description="The days until today, compared with as many before.")
    ] = DEFAULT_DAYS,
    type: OfType = None,  # noqa: A002 - the name that agents give
    library: Library = None,
    dataset_id: DatasetId = None,
    limit: Limit = DEFAULT_PAGE,
) -> Annotated[CallToolResult, Trends]:
    """Get the people, things or words that recordings of the last days name more than those of as many days before."""
    who = asking(ctx)
    filters = EntityFilters(type=None if kind == "words" else type, library=library, dataset=dataset_id)
    async with who.database.snapshot() as session:
        found = await trending.find_trends(session, filters, who.caller, kind=kind, days=days, limit=limit)
    body = Trends(
        first_day=found.window.first.isoformat(),
        last_day=found.window.last.isoformat(),
        items=found.recorded.items,
        items_before=found.recorded.items_before,
        trends=[
            Trend.model_validate(
                {
                    "name": one.name,
                    "type": one.type,
                    "growth": round(one.figures.growth, 3),
                    "items": one.figures.items,
                    "items_before": one.figures.items_before,
                    "recordings": [
                        Recording(
                            item_id=each.item_id,
                            title=each.title,
                            mentions=each.mentions,
                            url=who.page_of(each.item_id),
                        )
                        for each in one.recordings
                    ],
                }
            )
            for one in found.found
        ],
    )
    links = {each.item_id: each for one in body.trends for each in one.recordings}
    return answer(body, (Link(uri=each.url, name=each.title) for each in links.values()))


TOOLS = (Tool(function=get_trending, title="See what is on the rise"),)
