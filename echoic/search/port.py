"""The port between search and the engine that holds the index: what is asked of an engine, and what it answers.

docs/search.md says what an engine promises. The one there is, is PostgreSQL (``postgres``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from echoic.db.search.scope import Filters
from echoic.db.search.start import Order
from echoic.search.language import Node

Field = Literal["transcription", "title", "description"]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryMeaning:
    """A query as a vector, and the model that made it: vectors of two models are never compared."""

    model: str
    vector: Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A search: by words where there is a tree, by meaning where there is one, by both where there are both."""

    account_id: int
    query: Node | None
    """None where nothing is searched by words, or where the query holds no word."""
    by_words: bool
    meaning: QueryMeaning | None
    filters: Filters
    order: Order
    limit: int
    offset: int
    highlight: bool
    context_segments: int
    """How many segments before and after a hit are wanted beside it."""
    facets: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A segment beside one that was found."""

    start: float
    end: float
    speaker: str | None
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippet:
    """A field of a hit with its matches marked, as HTML: escaped, the words that matched within <mark>."""

    field: Field
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A segment that was found, or an item by its title or description. ``score`` compares within one answer only."""

    field: Field
    segment_id: int | None
    score: float
    start: float
    end: float
    text: str
    """What was said; where the title or the description was found, that."""
    highlighted: str | None
    """The text as HTML, where highlights are wanted."""
    snippets: tuple[Snippet, ...]
    """Every field with a match in it, where highlights are wanted."""
    speaker: str | None
    confidence: float | None
    before: tuple[Said, ...]
    after: tuple[Said, ...]
    item_id: int
    item_title: str
    source_type: str
    language: str | None
    published_at: datetime | None
    dataset_id: int
    dataset_name: str
    library_slug: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetCount:
    """How many of the results have a value in common."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facets:
    """The most frequent values among the results; ``exact`` where every result was counted."""

    speakers: tuple[FacetCount, ...]
    datasets: tuple[FacetCount, ...]
    entities: tuple[FacetCount, ...]
    months: tuple[FacetCount, ...]
    exact: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One page of results."""

    hits: tuple[Hit, ...]
    total: int
    exact: bool
    """False where there are more than ``total``."""
    corrections: Mapping[str, tuple[str, ...]]
    """For words that were hardly found: the words like them that are in the hits."""
    facets: Facets | None


class SearchIndex(Protocol):
    """An engine that holds the index and answers searches."""

    async def compares_meaning(self) -> bool:
        """Whether it can search by meaning."""
        ...

    async def find(self, wanted: Wanted) -> Found:
        """Search; see docs/search.md for what is promised."""
        ...
