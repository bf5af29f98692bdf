"""What is asked of the search, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from echoic.db.search.scope import Filters
from echoic.db.search.start import Order
from echoic.search.port import Facets, Hit

SearchType = Literal["text", "semantic", "hybrid"]

MAX_QUERY_CHARACTERS = 1000
MAX_LIMIT = 100
DEFAULT_LIMIT = 20
CONTEXT_SEGMENTS = 2
"""So many segments before and after a hit are its context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """A search."""

    query: str
    search_type: SearchType | None = None
    """None: hybrid where search by meaning is possible here, else text."""
    filters: Filters = field(default_factory=Filters)
    order: Order = field(default_factory=Order)
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    highlight: bool = True
    context: bool = False
    facets: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """One page of what was found."""

    search_type: SearchType
    """The kind of search that was made."""
    hits: tuple[Hit, ...]
    total: int
    exact: bool
    """False where there are more than ``total``."""
    corrections: Mapping[str, tuple[str, ...]]
    facets: Facets | None
    took_seconds: float
