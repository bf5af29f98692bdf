"""The answer: one page of results, from the engine to the route. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from echoic.records import Quality
from echoic.search.question import SearchType

MAX_FACET_VALUES = 20

Field = Literal["transcription", "title", "description"]


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item, as its results show it."""

    id: int
    transcript_id: int
    """0 where it has none."""
    title: str
    description: str
    source_type: str
    language: str | None
    published_at: datetime | None
    """When it came out: by its publisher's word, or else when it was published here."""
    dataset_id: int
    dataset_name: str
    library_slug: str
    image_url: str | None = None
    """Of the cover, where the dataset follows a podcast."""


@dataclass(frozen=True, slots=True)
class Said:
    """A segment, as results show it."""

    start: float
    end: float
    text: str
    speaker: str | None
    """Name or label."""
    confidence: float | None
    quality: Quality | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippet:
    """A field of a hit with its matches marked, as HTML: escaped, the words that matched within <mark>."""

    field: Field
    html: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A segment that was found, or an item by its title or description. ``score`` compares within one answer only."""

    item: FoundItem
    field: Field
    segment_id: int | None
    score: float
    start: float
    end: float
    text: str
    """The text of the field: of the segment, of the title or of the description."""
    highlighted: str | None
    """The text as HTML, where highlights are wanted."""
    snippets: tuple[Snippet, ...]
    """Every field with a match in it, where highlights are wanted."""
    speaker: str | None = None
    confidence: float | None = None
    quality: Quality | None = None
    before: tuple[Said, ...] = ()
    after: tuple[Said, ...] = ()

    @property
    def item_id(self) -> int:
        return self.item.id


@dataclass(frozen=True, kw_only=True, slots=True)
class FacetCount:
    """A value, and how many of the results have it."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Facets:
    """The most frequent values among the results; ``exact`` where every result was counted."""

    speakers: tuple[FacetCount, ...]
    datasets: tuple[FacetCount, ...]
    entities: tuple[FacetCount, ...]
    libraries: tuple[FacetCount, ...]
    languages: tuple[FacetCount, ...]
    months: tuple[FacetCount, ...]
    exact: bool


FACETS = tuple(field.name for field in fields(Facets) if field.name != "exact")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One page of results."""

    search_type: SearchType
    """The kind of search that was made."""
    hits: tuple[Hit, ...]
    total: int
    exact: bool
    """False where there are more results than ``total``."""
    corrections: Mapping[str, tuple[str, ...]]
    """Words with few matches, each with the words within one edit of it that are in the hits."""
    facets: Facets | None
    took_seconds: float = 0.0
    """For the whole search; filled in by ``run``."""
    compared_all: bool = True
    """False where some segments have an embedding of another model, which was not compared; filled in by ``run``."""
