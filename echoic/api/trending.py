"""Names and words that more recordings say than before."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from echoic.api.auth import Reader
from echoic.api.context import ComponentsDep
from echoic.api.entities import Filters
from echoic.api.parameters import DEFAULT_LIMIT, Limit
from echoic.api.problems import Problem
from echoic.db.subjects.trending import Kind
from echoic.errors import FieldInvalid
from echoic.reading import trending
from echoic.reading.trending import ShownTrend
from echoic.records import EntityType

router = APIRouter(tags=["entities"], responses={"default": {"model": Problem}})

MAX_DAYS = 365
DEFAULT_DAYS = 7


class TrendRecordingBody(BaseModel):
    """A recording behind a trend."""

    item_id: int
    title: str = Field(description="The item's.")
    mentions: int = Field(description="The number of times that it names the entity, or says the word.")


class TrendBody(BaseModel):
    """An entity or a word that more recordings name than before."""

    entity_id: int | None = Field(description="The `id` of the entity; null of a word.")
    type: EntityType | None = Field(description="What kind of thing is named; null of a word.")
    name: str = Field(description="The name or word, as recordings spell it or as people wrote it.", examples=["Rome"])
    growth: float = Field(
        description="How many times as many items name it as would at the rate of the window before: "
        "(items + 3) / (expected + 3). Always more than 1."
    )
    items: int = Field(description="In how many items of the window it is named; at least 2.")
    items_before: int = Field(description="In how many items of the window before it is named.")
    mentions: int = Field(description="The number of times it is named in the window.")
    mentions_before: int = Field(description="The number of times it is named in the window before.")
    recordings: list[TrendRecordingBody] = Field(description="The newest items of the window that name it, at most 3.")


class TrendList(BaseModel):
    """The entities or words that grow most from one window of days to the next, those that grow most first."""

    kind: Kind = Field(description="What was asked for.")
    days: int = Field(description="The length of each window.")
    first_day: date = Field(description="The first day of the window, in UTC.", examples=["2026-11-22"])
    last_day: date = Field(description="The last day of the window: today, in UTC.", examples=["2026-11-28"])
    items: int = Field(description="The number of items of the window.")
    items_before: int = Field(description="The number of items of the window before; where it is 0, nothing can grow.")
    trends: list[TrendBody] = Field(description="What grows, the most first.")
    limit: int


@router.get("/api/trending", operation_id="listTrends")
async def find(
    *,
    caller: Reader,
    components: ComponentsDep,
    kind: Annotated[Kind, Query(description="People and things that are named, or words that are said.")] = "entities",
    days: Annotated[
        int, Query(ge=1, le=MAX_DAYS, description="The length of the window, which ends today, and of the one before.")
    ] = DEFAULT_DAYS,
    filters: Filters,
    limit: Limit = DEFAULT_LIMIT,
) -> TrendList:
    """Names or words that more of the published items you may read say than before, with the recordings behind them.

    An item counts on the day of its `publish_date`, or else on that on which it was published here. Items of datasets
    that are redacted for you do not count.
    """
    if kind == "words" and filters.type is not None:
        raise FieldInvalid("type: words have no type; leave it out, or ask for kind=entities.")
    async with components.database.snapshot() as session:
        trends = await trending.find_trends(session, filters, caller, kind=kind, days=days, limit=limit)
    return TrendList(
        kind=kind,
        days=days,
        first_day=trends.window.first,
        last_day=trends.window.last,
        items=trends.recorded.items,
        items_before=trends.recorded.items_before,
        trends=[_body(one) for one in trends.found],
        limit=limit,
    )


def _body(trend: ShownTrend) -> TrendBody:
    figures = trend.figures
    return TrendBody(
        entity_id=trend.subject_id,
        type=trend.type,
        name=trend.name,
        growth=round(figures.growth, 3),
        items=figures.items,
        items_before=figures.items_before,
        mentions=figures.mentions,
        mentions_before=figures.mentions_before,
        recordings=[TrendRecordingBody.model_validate(one, from_attributes=True) for one in trend.recordings],
    )
