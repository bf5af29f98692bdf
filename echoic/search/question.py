"""The question: one search, from the route to the engine that answers it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from echoic.search.language import Node

SearchType = Literal["text", "semantic", "hybrid"]
SortField = Literal["relevance", "date"]

MAX_QUERY_CHARACTERS = 1000
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
CONTEXT_SEGMENTS = 2
"""So many segments before and after a hit are its context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """The conditions that results must fulfill; None leaves a filter out, an empty tuple lets nothing through."""

    libraries: tuple[str, ...] | None = None
    """Slugs."""
    datasets: tuple[int, ...] | None = None
    items: tuple[int, ...] | None = None
    source_types: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    """ISO 639-1 codes."""
    entities: tuple[str, ...] | None = None
    """Names of entities of which one is mentioned in the segment, compared without regard to case."""
    entity_ids: tuple[int, ...] | None = None
    speakers: tuple[str, ...] | None = None
    """Names or labels, compared without regard to case."""
    speaker_ids: tuple[int, ...] | None = None
    """Of known speakers."""
    min_confidence: float | None = None
    """Segments without a confidence do not pass."""
    doubtful: bool | None = None
    """False leaves out segments that are likely wrong."""
    published_from: datetime | None = None
    published_before: datetime | None = None

    @property
    def of_segments(self) -> bool:
        """Return whether a filter is about segments. A title or a description never passes such a filter."""
        wanted = (self.entities, self.entity_ids, self.speakers, self.speaker_ids, self.min_confidence, self.doubtful)
        return any(value is not None for value in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """The order of the results. Of equal results the newest item comes first, its segments as they were said."""

    sort: SortField = "relevance"
    ascending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryEmbedding:
    """The embedding of a query, and the model that made it: embeddings of two models are never compared."""

    model: str
    vector: Sequence[float]
    floor: float
    """The cosine below which a segment has nothing to do with the query; it depends on the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A search by an account.

    ``run`` reads the query once and fills in ``search_type``, ``tree`` and ``embedding``. Engines go by these three.
    """

    account_id: int
    query: str
    meaning: str | None = None
    """A text whose embedding is compared instead of the query's."""
    search_type: SearchType | None = None
    """None: hybrid where semantic search is possible here, else text."""
    filters: Filters = field(default_factory=Filters)
    order: Order = field(default_factory=Order)
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    highlight: bool = True
    context_segments: int = 0
    """So many segments before and after each hit are wanted beside it."""
    facets: bool = False
    similar: bool = True
    """Whether words like a rare one are searched for as well where little is found."""
    tree: Node | None = None
    """The query as a tree; None where it holds no word."""
    embedding: QueryEmbedding | None = None
    """Given for every search but those by text alone."""
