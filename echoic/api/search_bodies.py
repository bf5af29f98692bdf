"""A search in JSON: the newest documented form and the older flat one in, one result that carries both forms out."""

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from echoic.api.bodies import WHOLE, Body, UtcTime
from echoic.api.lookup import MAX_ID
from echoic.db.search import Filters, Hit, Page, SortField
from echoic.search.request import DEFAULT_LIMIT, MAX_LIMIT, SearchRequest, SearchResult, SearchType

MAX_FILTER_VALUES = 100
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""What a date may lie between; beyond, dates in other time zones fall off the calendar."""
MAX_SLUG_CHARACTERS = 60


ID_DIGITS = "^[1-9][0-9]{0,14}$"


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(ID_DIGITS, value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("input should be a valid boolean")  # noqa: TRY004 - what pydantic reports is a ValueError
    return value


NotOffered = Annotated[Literal[False], BeforeValidator(_boolean)]


def _moment(value: Any, handler: ValidatorFunctionWrapHandler) -> date | datetime:
    try:
        # A number would be read as a time, too.
        moment: date | datetime = handler(value if isinstance(value, str) else None)
    except ValidationError as error:
        raise ValueError("a date or a date with time is expected: 2026-01-31 or 2026-01-31T12:00:00Z") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"the year must be between {FIRST_YEAR} and {LAST_YEAR}")
    return moment


# JSON has no times: strict, they could not be read from strings.
_FromText = Field(strict=False)
Moment = Annotated[Annotated[date, _FromText] | Annotated[datetime, _FromText], WrapValidator(_moment)]
Id = Annotated[
    int,
    Field(ge=1, le=MAX_ID),
    BeforeValidator(_number),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_ID}, {"type": "string", "pattern": ID_DIGITS}]}
    ),
]
"""Also in a string, as some clients send it."""
Ids = Annotated[list[Id], Field(max_length=MAX_FILTER_VALUES)]
Names = Annotated[list[str], Field(max_length=MAX_FILTER_VALUES)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE]
Offset = Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]


class DateRangeBody(Body):
    """When an item was published; a day without a time counts whole, times without a zone are UTC."""

    start: Moment | None = None
    end: Moment | None = None


class FiltersBody(Body):
    """What the results are narrowed to; a filter that is left out lets everything through."""

    datasets: Ids | None = None
    podcasts: Ids | None = Field(default=None, description="The same as `datasets`.")
    podcast_ids: Ids | None = Field(default=None, description="The same as `datasets`.")
    items: Ids | None = None
    speakers: Names | None = Field(default=None, description="Names, in upper or lower case.")
    date_range: DateRangeBody | None = None

    def to_filters(self) -> Filters:
        """As the index takes it."""
        datasets = [ids for ids in (self.datasets, self.podcasts, self.podcast_ids) if ids is not None]
        dates = self.date_range or DateRangeBody()
        return Filters(
            datasets=tuple(number for ids in datasets for number in ids) if datasets else None,
            items=None if self.items is None else tuple(self.items),
            # A name with this character is nobody's, and PostgreSQL's texts cannot hold it.
            speakers=None if self.speakers is None else tuple(name for name in self.speakers if "\0" not in name),
            published_from=None if dates.start is None else _beginning(dates.start),
            published_before=None if dates.end is None else _after(dates.end),
        )


class PaginationBody(Body):
    """Which part of the results is wanted."""

    limit: Limit = DEFAULT_LIMIT
    offset: Offset = 0


class SortBody(Body):
    """In which order."""

    field: SortField = "relevance"
    order: Literal["asc", "desc"] = "desc"


class OptionsBody(Body):
    """What results carry."""

    include_highlights: bool = True
    include_context: NotOffered = Field(default=False, description="Surrounding segments are not offered yet.")
    include_aggregations: NotOffered = Field(default=False, description="Facet counts are not offered yet.")


class SearchBody(Body):
    """A search."""

    query: str = Field(
        description='Words that must all occur, in any form; "a phrase", this OR that, -without.',
        examples=["deadline"],
    )
    search_type: SearchType | None = Field(
        default=None,
        description="By words (text), by meaning (semantic), or both (hybrid); unset is hybrid where the server can.",
    )
    filters: FiltersBody = Field(default_factory=FiltersBody)
    pagination: PaginationBody | None = None
    sort: SortBody = Field(default_factory=SortBody)
    options: OptionsBody = Field(default_factory=OptionsBody)
    limit: Limit = Field(default=DEFAULT_LIMIT, description="Older form of pagination.limit, which wins.")
    offset: Offset = Field(default=0, description="Older form of pagination.offset, which wins.")

    def to_request(self) -> SearchRequest:
        """As the search room takes it."""
        pagination = self.pagination or PaginationBody(limit=self.limit, offset=self.offset)
        return SearchRequest(
            query=self.query,
            search_type=self.search_type,
            filters=self.filters.to_filters(),
            page=Page(
                limit=pagination.limit,
                offset=pagination.offset,
                sort=self.sort.field,
                ascending=self.sort.order == "asc",
            ),
            highlight=self.options.include_highlights,
        )


class MetaBody(BaseModel):
    """About the results as a whole."""

    query: str
    total: int = Field(description="All that was found by words; by meaning, what is nearest, at most a few hundred.")
    limit: int
    offset: int
    has_more: bool
    took_ms: int
    search_type: SearchType = Field(description="The kind of search that was made.")


class TimestampBody(BaseModel):
    """Seconds from the start of the recording."""

    start: float
    end: float


class FoundSegmentBody(BaseModel):
    """What was said."""

    id: str
    text: str
    highlighted_text: str | None = Field(description="HTML: escaped, the words that matched within <mark>.")
    start: float
    end: float
    speaker: str | None


class EpisodeBody(BaseModel):
    """The item it was said in, under its older name."""

    id: str
    title: str
    slug: str
    publish_date: UtcTime | None


class PodcastBody(BaseModel):
    """The dataset the item is in, under its older name."""

    id: str
    title: str
    slug: str
    image_url: str | None


class UrlsBody(BaseModel):
    """Where to read on, on this server; after `#t=` stand the seconds."""

    segment: str
    episode: str


class ResultBody(BaseModel):
    """A segment that was found."""

    segment_id: str
    score: float = Field(description="Can only be compared within one answer.")
    text: str
    highlighted_text: str | None
    timestamp: TimestampBody
    speaker: str | None
    segment: FoundSegmentBody
    episode: EpisodeBody
    podcast: PodcastBody
    urls: UrlsBody
    item_id: int
    dataset_id: int

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """The same data under the names of both generations of clients."""
        segment = FoundSegmentBody(
            id=f"{hit.item_id}_{hit.start}",
            text=hit.text,
            highlighted_text=hit.highlighted,
            start=hit.start,
            end=hit.end,
            speaker=hit.speaker,
        )
        url = f"/api/items/{hit.item_id}"
        return cls(
            segment_id=segment.id,
            score=hit.score,
            text=hit.text,
            highlighted_text=hit.highlighted,
            timestamp=TimestampBody(start=hit.start, end=hit.end),
            speaker=hit.speaker,
            segment=segment,
            episode=EpisodeBody(
                id=str(hit.item_id),
                title=hit.item_title,
                slug=slug(hit.item_title, hit.item_id),
                publish_date=hit.published_at,
            ),
            podcast=PodcastBody(
                id=str(hit.dataset_id),
                title=hit.dataset_name,
                slug=slug(hit.dataset_name, hit.dataset_id),
                image_url=None,
            ),
            urls=UrlsBody(segment=f"{url}/transcript#t={hit.start}", episode=url),
            item_id=hit.item_id,
            dataset_id=hit.dataset_id,
        )


class SearchAnswer(BaseModel):
    """One page of what was found."""

    meta: MetaBody
    results: list[ResultBody]

    @classmethod
    def of(cls, request: SearchRequest, result: SearchResult) -> Self:
        """The answer to a request."""
        page = request.page
        return cls(
            meta=MetaBody(
                query=request.query,
                total=result.total,
                limit=page.limit,
                offset=page.offset,
                has_more=page.offset + len(result.hits) < result.total and bool(result.hits),
                took_ms=round(result.took_seconds * 1000),
                search_type=result.search_type,
            ),
            results=[ResultBody.of(hit) for hit in result.hits],
        )


def slug(title: str, number: int) -> str:
    """A title as part of an address: letters without accents, digits and hyphens, and the number that makes it unique."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG_CHARACTERS].rstrip("-")
    return f"{words}-{number}" if words else str(number)


def _beginning(day: date | datetime) -> datetime:
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _after(day: date | datetime) -> datetime:
    """The first moment that is no longer meant: a day's end, or the given moment's next instant."""
    if isinstance(day, datetime):
        return _beginning(day) + timedelta(microseconds=1)
    return _beginning(day) + timedelta(days=1)
