"""Tools that search what was said, and the pair `search` and `fetch` that ChatGPT asks for."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self, cast

from mcp_types import CallToolResult
from pydantic import BaseModel, ConfigDict, Field

from echoic.errors import FieldInvalid
from echoic.mcp_server.answers import Link, answer, next_offset
from echoic.mcp_server.asking import Asking
from echoic.mcp_server.parameters import Offset
from echoic.mcp_server.registry import Tool
from echoic.mcp_server.tool_context import ToolContext, asking
from echoic.mcp_server.tools.reading_text import load, text_of
from echoic.search.answer import Found, Hit
from echoic.search.question import CONTEXT_SEGMENTS, Filters, Order, Search, SearchType, SortField
from echoic.search.run import search as run_search

MAX_RESULTS = 200
DEFAULT_RESULTS = 20
OLDER_DEFAULT_RESULTS = 50
MAX_FILTER_VALUES = 100
RECENT_DAYS = {"last_week": 7, "last_month": 30, "last_year": 365}
PAIR_RESULTS = 20
"""Moments that the tool `search` looks at; it tells of the recordings that they are in."""
FETCH_CHARACTERS = 200_000
"""Longest document that `fetch` gives, about 50,000 tokens; `get_transcript` gives all of a longer one, in pages."""

Query = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description='Words that must all be said, in any form; "a phrase", this OR that, NOT this, begin*, ( ). By meaning: '
        "a question or a sentence.",
    ),
]
Ids = Annotated[list[int], Field(max_length=MAX_FILTER_VALUES)]
Names = Annotated[list[str], Field(max_length=MAX_FILTER_VALUES)]
Results = Annotated[int, Field(ge=1, le=MAX_RESULTS, description="Most results.")]
WithContext = Annotated[bool, Field(description="Also what is said right before and after each result.")]
SortBy = Annotated[
    SortField | Literal["episode_title"],
    Field(
        description=f"`date`: of publication. `episode_title`: the recording's, for at most {MAX_RESULTS} results in all."
    ),
]
SortOrder = Annotated[Literal["asc", "desc"], Field(description="Descending: the best or the newest first.")]


class SearchFilters(BaseModel):
    """Filters of a search; one that is left out lets everything through."""

    model_config = ConfigDict(extra="forbid")

    dataset_ids: Ids | None = None
    podcast_ids: Ids | None = Field(default=None, description="The same as `dataset_ids`.")
    item_ids: Ids | None = None
    libraries: Names | None = Field(default=None, description="Slugs.")
    speakers: Names | None = Field(default=None, description="Names of people, or labels such as SPEAKER_00.")
    entities: Names | None = Field(default=None, description="Names of which one is mentioned in the result.")
    languages: Names | None = Field(default=None, description="Codes of ISO 639-1, such as `en`.")
    date_from: date | None = Field(default=None, description="Published on this day or later, `YYYY-MM-DD`.")
    date_to: date | None = Field(default=None, description="Published on this day or earlier.")
    recency: Literal["last_week", "last_month", "last_year"] | None = None

    def to_filters(self) -> Filters:
        """Return the filters as the index takes them."""
        datasets = [ids for ids in (self.dataset_ids, self.podcast_ids) if ids is not None]
        starts = [] if self.date_from is None else [datetime.combine(self.date_from, time(), UTC)]
        if self.recency is not None:
            starts.append(datetime.now(UTC) - timedelta(days=RECENT_DAYS[self.recency]))
        return Filters(
            datasets=tuple(number for ids in datasets for number in ids) if datasets else None,
            items=None if self.item_ids is None else tuple(self.item_ids),
            libraries=_texts(self.libraries),
            speakers=_texts(self.speakers),
            entities=_texts(self.entities),
            languages=_texts(self.languages),
            published_from=max(starts, default=None),
            published_before=None
            if self.date_to is None
            else datetime.combine(self.date_to, time(), UTC) + timedelta(days=1),
        )


class Said(BaseModel):
    """A stretch beside a result."""

    start: float
    speaker: str | None
    text: str


class Moment(BaseModel):
    """A stretch of a recording that was found, or a recording by its title or description."""

    item_id: int
    title: str = Field(description="Of the recording.")
    field: Literal["transcription", "title", "description"] = Field(description="The place where the words are.")
    text: str
    speaker: str | None = Field(description="Name, or label where nobody has one.")
    start: float = Field(description="Seconds from the start of the recording.")
    end: float
    url: str = Field(description="The moment on the page, to cite.")
    dataset_id: int
    dataset: str
    library: str = Field(description="Slug.")
    published_at: datetime | None
    language: str | None
    is_doubtful: bool = Field(description="True where the text is likely wrong.")
    before: list[Said]
    after: list[Said]

    @classmethod
    def of(cls, hit: Hit, who: Asking) -> Self:
        """Return a result."""
        return cls(
            item_id=hit.item_id,
            title=hit.item.title,
            field=hit.field,
            text=hit.text,
            speaker=hit.speaker,
            start=hit.start,
            end=hit.end,
            url=who.page_of(hit.item_id, hit.start),
            dataset_id=hit.item.dataset_id,
            dataset=hit.item.dataset_name,
            library=hit.item.library_slug,
            published_at=hit.item.published_at,
            language=hit.item.language,
            is_doubtful=hit.quality == "doubtful",
            before=[Said(start=one.start, speaker=one.speaker, text=one.text) for one in hit.before],
            after=[Said(start=one.start, speaker=one.speaker, text=one.text) for one in hit.after],
        )


class FoundMoments(BaseModel):
    """One page of what was found."""

    results: list[Moment]
    search_type: SearchType = Field(description="The kind of search that was made.")
    total: int = Field(description="The number found; at most 1,000 are counted, by meaning at most 100.")
    total_is_exact: bool
    compared_all: bool = Field(
        description="False while part of the recordings can be found by their words alone, not by their meaning."
    )
    next_offset: int | None = Field(description="`offset` of the next page; null: this is the last one.")


async def search_audio(
    ctx: ToolContext,
    *,
    query: Query,
    search_type: Annotated[
        SearchType | None, Field(description="By words, by meaning, or both; both where the server can, if left out.")
    ] = None,
    limit: Results = DEFAULT_RESULTS,
    offset: Offset = 0,
    sort_by: SortBy = "relevance",
    sort_order: SortOrder = "desc",
    filters: SearchFilters | None = None,
    include_context: WithContext = False,
) -> Annotated[CallToolResult, FoundMoments]:
    """Search everything that was said in the recordings the user may read, by words or by meaning.

    Each result is a moment with its speaker, its second and an address to cite. Read on with get_transcript, beginning at
    the result's `start`. Recordings of which parts are hidden from the user are left out.
    """
    who = asking(ctx)
    by_title = sort_by == "episode_title"
    ascending = sort_order == "asc"
    wanted = Search(
        account_id=who.caller.account_id,
        query=query,
        search_type=search_type,
        filters=(filters or SearchFilters()).to_filters(),
        order=Order() if by_title else Order(sort=cast("SortField", sort_by), ascending=ascending),
        limit=MAX_RESULTS if by_title else limit,
        offset=0 if by_title else offset,
        highlight=False,
        context_segments=CONTEXT_SEGMENTS if include_context else 0,
    )
    found = await _find(who, wanted)
    if by_title:
        found = replace(found, hits=_by_title(found, ascending=ascending)[offset : offset + limit])
    body = FoundMoments(
        results=[Moment.of(hit, who) for hit in found.hits],
        search_type=found.search_type,
        total=found.total,
        total_is_exact=found.exact,
        compared_all=found.compared_all,
        next_offset=next_offset(offset=offset, shown=len(found.hits), total=found.total),
    )
    return answer(body, (Link(uri=one.url, name=f"{one.title}, second {one.start:.0f}") for one in body.results))


async def search_audio_content(
    ctx: ToolContext,
    *,
    query: Query,
    search_type: Annotated[SearchType, Field(description="By words, by meaning, or both.")] = "text",
    limit: Results = OLDER_DEFAULT_RESULTS,
    offset: Offset = 0,
    sort_by: SortBy = "relevance",
    sort_order: SortOrder = "desc",
    filters: SearchFilters | None = None,
    include_context: WithContext = False,
) -> Annotated[CallToolResult, FoundMoments]:
    """Search by words: the older name of search_audio, which new callers use."""
    return await search_audio(
        ctx,
        query=query,
        search_type=search_type,
        limit=limit,
        offset=offset,
        sort_by=sort_by,
        sort_order=sort_order,
        filters=filters,
        include_context=include_context,
    )


class FoundDocument(BaseModel):
    """A recording in which something was found."""

    id: str = Field(description="For `fetch`.")
    title: str
    url: str = Field(description="The best moment on the page, to cite.")


class FoundDocuments(BaseModel):
    """The recordings, the best first."""

    results: list[FoundDocument]


class Document(BaseModel):
    """A recording as one document."""

    id: str
    title: str
    text: str = Field(description="The transcript, with times and speakers.")
    url: str
    metadata: dict[str, str]


async def search(ctx: ToolContext, query: Query) -> Annotated[CallToolResult, FoundDocuments]:
    """Find recordings in which something is said; returns their ids for `fetch`. For filters and moments: search_audio."""
    who = asking(ctx)
    found = await _find(who, Search(account_id=who.caller.account_id, query=query, limit=PAIR_RESULTS, highlight=False))
    best = {hit.item_id: hit for hit in reversed(found.hits)}
    first = dict.fromkeys(hit.item_id for hit in found.hits)
    return answer(
        FoundDocuments(
            results=[
                FoundDocument(
                    id=str(item_id), title=best[item_id].item.title, url=who.page_of(item_id, best[item_id].start)
                )
                for item_id in first
            ]
        )
    )


async def fetch(
    ctx: ToolContext,
    *,
    id: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,14}$", description="As `search` gives it.")],  # noqa: A002 - as ChatGPT names it
) -> Annotated[CallToolResult, Document]:
    """Get a recording's transcript as one document. Of very long ones the beginning; get_transcript has all, in pages."""
    who = asking(ctx)
    item_id = int(id)
    item, found = await load(who, item_id)
    text, is_cut = text_of(found.transcript, FETCH_CHARACTERS)
    metadata = {
        "language": found.transcript.language or "",
        "duration_seconds": f"{item.duration_seconds or 0:.0f}",
        "published_at": "" if item.published_at is None else item.published_at.isoformat(),
        "source_type": item.source_type,
    }
    if is_cut:
        metadata["truncated"] = f"true: get_transcript with item_id {item_id} has the rest"
    url = who.page_of(item_id)
    return answer(
        Document(id=id, title=found.transcript.title, text=text, url=url, metadata=metadata),
        [Link(uri=url, name=found.transcript.title)],
    )


async def _find(who: Asking, wanted: Search) -> Found:
    components = who.components
    return await run_search(wanted, index=components.search_index, encoder=components.engines.text_encoder)


def _by_title(found: Found, *, ascending: bool) -> tuple[Hit, ...]:
    """Return all results by the titles of their recordings, those of one recording as they were said.

    The index sorts by no title, so all of them have to be at hand. Raises FieldInvalid where they are not.
    """
    if len(found.hits) < found.total or not found.exact:
        raise FieldInvalid(
            f"sort_by: episode_title sorts at most {MAX_RESULTS} results, and there are more. Narrow the search by filters, "
            "or sort by relevance or date."
        )
    as_said = sorted(found.hits, key=lambda hit: (hit.item_id, hit.start))
    return tuple(sorted(as_said, key=lambda hit: hit.item.title.casefold(), reverse=not ascending))


def _texts(values: list[str] | None) -> tuple[str, ...] | None:
    # PostgreSQL's texts cannot hold this character, and no name does.
    return None if values is None else tuple(value for value in values if "\0" not in value)


TOOLS = (
    Tool(function=search_audio, title="Search recordings"),
    Tool(function=search_audio_content, title="Search recordings (older name)"),
    Tool(function=search, title="Find recordings"),
    Tool(function=fetch, title="Get one recording's text"),
)
