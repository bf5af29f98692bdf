"""Searches in JSON: the newest documented form, and the older flat one."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from echoic.api.bodies import WHOLE, Body
from echoic.api.parameters import MAX_ID
from echoic.search.question import (
    CONTEXT_SEGMENTS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Filters,
    Order,
    Search,
    SearchType,
    SortField,
)

MAX_FILTER_VALUES = 100
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""The years of dates; beyond them, dates in other time zones fall off the calendar."""


ID_DIGITS = "^[1-9][0-9]{0,14}$"


def _number(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(ID_DIGITS, value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
"""An id, also in a string, as some clients send it."""
Ids = Annotated[list[Id], Field(max_length=MAX_FILTER_VALUES)]
Names = Annotated[list[str], Field(max_length=MAX_FILTER_VALUES)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE]
Offset = Annotated[int, Field(ge=0, le=MAX_ID), WHOLE]


class DateRangeBody(Body):
    """Bounds of the time when an item was published; a day without a time counts whole, times without a zone are UTC."""

    start: Moment | None = Field(default=None, description="The first day or moment that counts.")
    end: Moment | None = Field(default=None, description="The last day or moment that counts.")


class FiltersBody(Body):
    """Filters of the results; a filter that is left out lets everything through."""

    datasets: Ids | None = Field(default=None, description="Datasets by their ids.")
    podcasts: Ids | None = Field(default=None, description="The same as `datasets`.")
    podcast_ids: Ids | None = Field(default=None, description="The same as `datasets`.")
    items: Ids | None = Field(default=None, description="Items by their ids.")
    libraries: Names | None = Field(default=None, description="Slugs.")
    source_types: Names | None = Field(default=None, description="`upload`, `podcast_episode`, …")
    languages: Names | None = Field(default=None, description="Codes of ISO 639-1, such as `en`.")
    speakers: Names | None = Field(default=None, description="Names or labels, in upper or lower case.")
    speaker_ids: Ids | None = Field(default=None, description="Known speakers by their ids.")
    entities: Names | None = Field(
        default=None, description="Names of which one is mentioned in the segment, in upper or lower case."
    )
    entity_ids: Ids | None = Field(default=None, description="The same by ids.")
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Only segments that were recognized with at least this confidence."
    )
    doubtful: bool | None = Field(
        default=None, description="`false` leaves out segments that are likely wrong; else they are found, too."
    )
    date_range: DateRangeBody | None = Field(default=None, description="The time of publication.")

    def to_filters(self) -> Filters:
        """Return the filters as the index takes them."""
        datasets = [ids for ids in (self.datasets, self.podcasts, self.podcast_ids) if ids is not None]
        dates = self.date_range or DateRangeBody()
        return Filters(
            libraries=_texts(self.libraries),
            datasets=tuple(number for ids in datasets for number in ids) if datasets else None,
            items=_numbers(self.items),
            source_types=_texts(self.source_types),
            languages=_texts(self.languages),
            entities=_texts(self.entities),
            entity_ids=_numbers(self.entity_ids),
            speakers=_texts(self.speakers),
            speaker_ids=_numbers(self.speaker_ids),
            min_confidence=self.min_confidence,
            doubtful=None if self.doubtful else self.doubtful,
            published_from=None if dates.start is None else _beginning(dates.start),
            published_before=None if dates.end is None else _after(dates.end),
        )


class PaginationBody(Body):
    """The part of the results that is wanted."""

    limit: Limit = Field(default=DEFAULT_LIMIT, description="Most results of this page.")
    offset: Offset = Field(default=0, description="Results that are passed over before this page.")


class SortBody(Body):
    """In which order."""

    field: SortField = Field(default="relevance", description="By which the results are ordered.")
    order: Literal["asc", "desc"] = Field(
        default="desc", description="The best or newest first (`desc`), or last (`asc`)."
    )


class OptionsBody(Body):
    """Options of what results carry."""

    include_highlights: bool = Field(default=True, description="Whether the words that matched are marked.")
    include_context: bool = Field(default=False, description="The two segments before each result and those after.")
    include_aggregations: bool = Field(
        default=False, description="Counts of the results by speaker, dataset, entity, library, language and month."
    )


class SearchBody(Body):
    """A search."""

    query: str = Field(
        description='Words that must all occur, in any form; "a phrase", this OR that, NOT this or -this, begin*, ( ).',
        examples=["deadline"],
    )
    search_type: SearchType | None = Field(
        default=None,
        description="By words (text), by meaning (semantic), or both (hybrid); unset is hybrid where the server can.",
    )
    filters: FiltersBody = Field(default_factory=FiltersBody)
    pagination: PaginationBody | None = Field(default=None, description="The page of the results that is wanted.")
    sort: SortBody = Field(default_factory=SortBody)
    options: OptionsBody = Field(default_factory=OptionsBody)
    limit: Limit = Field(default=DEFAULT_LIMIT, description="Older form of pagination.limit, which wins.")
    offset: Offset = Field(default=0, description="Older form of pagination.offset, which wins.")

    def to_search(self, account_id: int) -> Search:
        """Read the body as a search by an account."""
        pagination = self.pagination or PaginationBody(limit=self.limit, offset=self.offset)
        return Search(
            account_id=account_id,
            query=self.query,
            search_type=self.search_type,
            filters=self.filters.to_filters(),
            order=Order(sort=self.sort.field, ascending=self.sort.order == "asc"),
            limit=pagination.limit,
            offset=pagination.offset,
            highlight=self.options.include_highlights,
            context_segments=CONTEXT_SEGMENTS if self.options.include_context else 0,
            facets=self.options.include_aggregations,
        )


def _numbers(values: list[int] | None) -> tuple[int, ...] | None:
    return None if values is None else tuple(values)


def _texts(values: list[str] | None) -> tuple[str, ...] | None:
    # What holds this character is nobody's name, and PostgreSQL's texts cannot hold it.
    return None if values is None else tuple(value for value in values if "\0" not in value)


def _beginning(day: date | datetime) -> datetime:
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _after(day: date | datetime) -> datetime:
    """The first moment that is no longer meant: a day's end, or the given moment's next instant."""
    if isinstance(day, datetime):
        return _beginning(day) + timedelta(microseconds=1)
    return _beginning(day) + timedelta(days=1)
