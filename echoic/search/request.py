"""What is asked of the search, and what comes back."""

from dataclasses import dataclass, field
from typing import Literal

from echoic.db.search import Filters, Hit, Page

SearchType = Literal["text", "semantic", "hybrid"]

MAX_QUERY_CHARACTERS = 1000
MAX_LIMIT = 100
DEFAULT_LIMIT = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """A search."""

    query: str
    search_type: SearchType | None = None
    """None: hybrid where search by meaning is possible here, else text."""
    filters: Filters = field(default_factory=Filters)
    page: Page = field(default_factory=lambda: Page(limit=DEFAULT_LIMIT, offset=0))
    highlight: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """One page of what was found."""

    search_type: SearchType
    """The kind of search that was made."""
    hits: tuple[Hit, ...]
    total: int
    """All results of a text search; of the others those among the nearest ``FUSION_CANDIDATES``."""
    took_seconds: float
