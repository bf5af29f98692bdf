"""Results of a search in JSON, with the names of both generations of clients."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Self

from pydantic import BaseModel, Field

from echoic.api.bodies import UtcTime
from echoic.api.page import item_link
from echoic.records import Quality
from echoic.search import answer
from echoic.search.answer import Facets, Found, Hit, Said
from echoic.search.question import Search, SearchType

MAX_SLUG_CHARACTERS = 60


class MetaBody(BaseModel):
    """About the results as a whole."""

    query: str = Field(description="The query as it was sent.")
    total: int = Field(description="The number found; at most 1,000 are counted, by meaning at most 100.")
    total_is_exact: bool = Field(description="False where there are more than `total`.")
    limit: int
    offset: int
    has_more: bool
    took_ms: int = Field(description="Milliseconds that the search took.")
    search_type: SearchType = Field(description="The kind of search that was made.")
    compared_all: bool = Field(
        description="False while embeddings of a former model are made again: what is said in these recordings is found by "
        "its words alone, and a *semantic* search is made as *hybrid*."
    )
    corrections: dict[str, list[str]] = Field(
        description="For words that were rarely found: words like them that were searched for as well, and found."
    )


class TimestampBody(BaseModel):
    """Seconds from the start of the recording."""

    start: float
    end: float


class FoundSegmentBody(BaseModel):
    """The text of a segment that was found."""

    id: str = Field(description="A name of the segment that is unique in the answer.", examples=["1_1.2"])
    text: str = Field(description="The text of the segment.")
    highlighted_text: str | None = Field(description="HTML: escaped, the words that matched within <mark>.")
    start: float
    end: float
    speaker: str | None


class EpisodeBody(BaseModel):
    """The item it was said in, under its older name."""

    id: str = Field(description="The item's id, as text.", examples=["1"])
    title: str
    slug: str = Field(description="The title as part of an address.", examples=["interview-with-ruth-sander-1"])
    publish_date: UtcTime | None = Field(
        description="The time when it came out, by its feed, or else when it was published here."
    )


class FoundPodcastBody(BaseModel):
    """The dataset the item is in, under its older name."""

    id: str = Field(examples=["1"])
    title: str = Field(examples=["Interviews"])
    slug: str = Field(description="The name as part of an address.", examples=["interviews-1"])
    image_url: str | None = Field(
        description="The address of the cover, where the dataset follows a podcast.",
        examples=["https://talks.example.com/cover.jpg"],
    )


class UrlsBody(BaseModel):
    """Addresses to read on at."""

    segment: str = Field(
        description="The page of the item at the second where the segment starts, as in `/items/7?t=125.4`; "
        "under the older path, its transcript in the API.",
        examples=["https://echoic.example.org/items/1?t=1.2"],
    )
    episode: str = Field(
        description="The page of the item; under the older path, the item in the API.",
        examples=["https://echoic.example.org/items/1"],
    )

    @classmethod
    def of(cls, hit: Hit, *, page_base: str | None) -> Self:
        """Return addresses of the page at ``page_base``; None: those that older clients know, of the API."""
        if page_base is None:
            item = f"/api/items/{hit.item_id}"
            return cls(segment=f"{item}/transcript#t={hit.start}", episode=item)
        second = hit.start if hit.segment_id is not None else None
        return cls(segment=item_link(page_base, hit.item_id, second), episode=item_link(page_base, hit.item_id))


class SnippetBody(BaseModel):
    """A field in which something matched."""

    field: answer.Field = Field(description="The field that matched.")
    highlighted_text: str = Field(description="HTML; of a long description the part around the match.")


class SaidBody(BaseModel):
    """A segment beside the one that was found."""

    start: float
    end: float
    speaker: str | None
    text: str


class ContextBody(BaseModel):
    """The segments before and after, in order."""

    before: list[SaidBody] = Field(description="The segments before it.")
    after: list[SaidBody] = Field(description="The segments after it.")


class ResultBody(BaseModel):
    """A segment that was found, or an item whose title or description was."""

    segment_id: str = Field(description="A name of the segment that is unique in the answer.")
    score: float = Field(description="Can only be compared within one answer.")
    field: answer.Field = Field(description="The field of the match; `text` is that field's.")
    text: str = Field(description="The text of the field that matched.")
    highlighted_text: str | None = Field(
        description="HTML: the text escaped, the words that matched within <mark>; null where no highlights are wanted."
    )
    snippets: list[SnippetBody] = Field(description="All fields with a match in them, where highlights are wanted.")
    timestamp: TimestampBody
    speaker: str | None
    confidence: float | None
    quality: Quality | None = Field(default=None, description="`doubtful`: likely wrong; as in the transcript.")
    context: ContextBody | None = Field(description="The segments around it; null where they are not wanted.")
    segment: FoundSegmentBody
    episode: EpisodeBody
    podcast: FoundPodcastBody
    urls: UrlsBody
    item_id: int
    dataset_id: int
    library: str = Field(description="Its slug.")
    source_type: str
    language: str | None

    @classmethod
    def of(cls, hit: Hit, *, context: bool, page_base: str | None) -> Self:
        """Return a hit under the names of both generations of clients; ``page_base`` as in ``UrlsBody.of``."""
        segment = FoundSegmentBody(
            id=f"{hit.item_id}_{hit.start if hit.segment_id is not None else hit.field}",
            text=hit.text,
            highlighted_text=hit.highlighted,
            start=hit.start,
            end=hit.end,
            speaker=hit.speaker,
        )
        return cls(
            segment_id=segment.id,
            score=hit.score,
            field=hit.field,
            text=hit.text,
            highlighted_text=hit.highlighted,
            snippets=[SnippetBody(field=found.field, highlighted_text=found.html) for found in hit.snippets],
            timestamp=TimestampBody(start=hit.start, end=hit.end),
            speaker=hit.speaker,
            confidence=hit.confidence,
            quality=hit.quality,
            context=ContextBody(before=_said(hit.before), after=_said(hit.after)) if context else None,
            segment=segment,
            episode=EpisodeBody(
                id=str(hit.item_id),
                title=hit.item.title,
                slug=slug(hit.item.title, hit.item_id),
                publish_date=hit.item.published_at,
            ),
            podcast=FoundPodcastBody(
                id=str(hit.item.dataset_id),
                title=hit.item.dataset_name,
                slug=slug(hit.item.dataset_name, hit.item.dataset_id),
                image_url=hit.item.image_url,
            ),
            urls=UrlsBody.of(hit, page_base=page_base),
            item_id=hit.item_id,
            dataset_id=hit.item.dataset_id,
            library=hit.item.library_slug,
            source_type=hit.item.source_type,
            language=hit.item.language,
        )


def _said(segments: Iterable[Said]) -> list[SaidBody]:
    return [SaidBody.model_validate(segment, from_attributes=True) for segment in segments]


class BucketBody(BaseModel):
    """The number of results that have a value in common."""

    value: str = Field(
        description="The name of a speaker, a dataset's id, an entity's type, a library's slug, the code of a language, "
        "a month as `2026-01`."
    )
    label: str = Field(description="The same for people: of datasets and entities the name.")
    count: int = Field(description="The number of results.")


class AggregationsBody(BaseModel):
    """Results counted, the most frequent values first; at most 20 of each kind."""

    speakers: list[BucketBody] = Field(description="By who speaks.")
    datasets: list[BucketBody] = Field(description="By dataset.")
    entities: list[BucketBody] = Field(description="By the names that are said.")
    libraries: list[BucketBody] = Field(description="By library.")
    languages: list[BucketBody] = Field(description="By language.")
    months: list[BucketBody] = Field(description="By the month of publication.")
    exact: bool = Field(description="False where there are more results than were counted.")

    @classmethod
    def of(cls, facets: Facets) -> Self:
        """The counts."""
        return cls.model_validate(facets, from_attributes=True)


class SearchAnswer(BaseModel):
    """One page of what was found."""

    meta: MetaBody
    results: list[ResultBody]
    aggregations: AggregationsBody | None = Field(
        description="The counts of the results; null where they are not wanted."
    )

    @classmethod
    def of(cls, search: Search, found: Found, *, page_base: str | None) -> Self:
        """The answer to a search; ``page_base`` as in ``UrlsBody.of``."""
        return cls(
            meta=MetaBody(
                query=search.query,
                total=found.total,
                total_is_exact=found.exact,
                limit=search.limit,
                offset=search.offset,
                has_more=search.offset + len(found.hits) < found.total and bool(found.hits),
                took_ms=round(found.took_seconds * 1000),
                search_type=found.search_type,
                compared_all=found.compared_all,
                corrections={word: list(others) for word, others in found.corrections.items()},
            ),
            results=[
                ResultBody.of(hit, context=search.context_segments > 0, page_base=page_base) for hit in found.hits
            ],
            aggregations=AggregationsBody.of(found.facets) if found.facets is not None else None,
        )


def slug(title: str, number: int) -> str:
    """A title as part of an address: letters without accents, digits and hyphens, and the number that makes it unique."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG_CHARACTERS].rstrip("-")
    return f"{words}-{number}" if words else str(number)
