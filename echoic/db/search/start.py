"""Queries over the search index: what both ways of searching start from, and what they give.

Only what belongs to a published item's present transcript is found, and only in libraries the asking account may read;
both are decided in the statement that searches (``lexical``, ``semantic``). docs/search.md says how results
are ranked and what bounds the cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item
from echoic.db.reads import Query, ask
from echoic.db.search.index import FIRST_MARKED, SCHEMA_VERSION, SearchDictionary, SearchEntry
from echoic.db.search.scope import Filters, Scope, item_conditions, readable_datasets

MAX_NARROWING_MARKS = 100
"""A search in so few datasets or items looks them up in the index together with the words; more cost more than they
save."""
MAX_NEAREST = 100
"""By meaning everything is near everything to some degree: at most so many of the nearest segments count as found."""
MAX_VECTORS_SCANNED = 5_000
"""Where the reader may read little of what lies near, the index of meanings is searched through so many vectors."""
STATEMENTS = 256
"""So many statements of each kind are kept compiled."""

SortField = Literal["relevance", "date"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """In which order results are wanted; of equal ones the newest item comes first, its segments as they were said."""

    sort: SortField = "relevance"
    ascending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Something that was found: a segment, or where ``segment_id`` is None an item by its title or description."""

    item_id: int
    segment_id: int | None
    position: int
    score: float
    published_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """The best matches, and how many there are; where it is not ``exact``, there are more."""

    matches: tuple[Match, ...]
    total: int
    exact: bool


_SETTINGS = " || ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in {
        "plan_cache_mode": "force_custom_plan",
        "enable_seqscan": "off",
        "max_parallel_workers_per_gather": 0,
        # Some thousands of matches are sorted in memory.
        "work_mem": "16MB",
        # Let the index go on until enough readable segments are found, instead of filtering its first few.
        "hnsw.ef_search": MAX_NEAREST,
        "hnsw.iterative_scan": "relaxed_order",
        "hnsw.max_scan_tuples": MAX_VECTORS_SCANNED,
    }.items()
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What a search starts from."""

    dictionaries: tuple[str, ...]
    """Those that entries were made with."""
    with_older: bool
    """Whether there are entries without marks: those of the first schema version, and maybe those of a later one."""
    datasets: tuple[int, ...] | None
    """Those the caller may read; None where they are many."""


_FEW = MAX_NARROWING_MARKS + 1
_PREPARE = Query(
    select(
        func.array(select(SearchDictionary.dictionary).order_by(SearchDictionary.dictionary).scalar_subquery()),
        select(func.min(SearchEntry.schema_version)).scalar_subquery(),
        select(func.max(SearchEntry.schema_version)).scalar_subquery(),
        func.array(readable_datasets().limit(_FEW).scalar_subquery()),
        literal_column(_SETTINGS),
    )
)


async def prepare(session: AsyncSession, account_id: int) -> Prepared:
    """Sets up the transaction, so that its statements are cheap as planned for or not at all; one statement itself."""
    ((dictionaries, oldest, newest, datasets, _),) = await ask(session, _PREPARE, account_id=account_id)
    return Prepared(
        dictionaries=tuple(dictionaries),
        with_older=oldest is not None and (oldest < FIRST_MARKED or newest > SCHEMA_VERSION),
        datasets=tuple(datasets) if len(datasets) < _FEW else None,
    )


async def has_vectors(session: AsyncSession) -> bool:
    """Whether embeddings are kept as vectors that can be searched: the database has pgvector, and had it when the
    schema was last brought up to date.
    """
    kind = await session.scalar(
        text(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'segment_embeddings'::regclass AND attname = 'vector'"
        )
    )
    return bool(kind == "halfvec")


async def narrowed(session: AsyncSession, scope: Scope) -> tuple[Scope, list[int] | None]:
    """The scope with the range of the items that its filters let through; and these items, where they are few."""
    if scope.filters == Filters():
        return scope, None
    given = scope.parameters()
    names = frozenset(given)
    items = [row[0] for row in await ask(session, _few_items(names), **given)]
    if len(items) < _FEW:
        return scope, items
    ((first, last),) = await ask(session, _range_of_items(names), **given)
    return replace(scope, items_between=(first, last)), None


@lru_cache(STATEMENTS)
def _few_items(given: frozenset[str]) -> Query:
    return Query(select(Item.id).where(*item_conditions(given)).limit(_FEW))


@lru_cache(STATEMENTS)
def _range_of_items(given: frozenset[str]) -> Query:
    return Query(select(func.min(Item.id), func.max(Item.id)).where(*item_conditions(given)))


def in_order(matches: Sequence[Match], order: Order) -> list[Match]:
    """Matches as they are wanted."""

    def place(match: Match) -> tuple[float, int, int]:
        if order.sort == "relevance":
            value = match.score
        else:
            value = match.published_at.timestamp() if match.published_at else 0.0
        return (value if order.ascending else -value, -match.item_id, match.position)

    return sorted(matches, key=place)


@dataclass(frozen=True, kw_only=True, slots=True)
class WordStatistics:
    """How common the common words are, as PostgreSQL's own statistics of the index have it."""

    frequencies: Mapping[str, float]
    """The part of all entries that hold a lexeme; lexemes that are not in it are rarer than all that are."""
    entries: float
    """About how many there are."""

    def of(self, lexeme: str) -> float | None:
        return self.frequencies.get(lexeme)


async def word_statistics(session: AsyncSession) -> WordStatistics:
    """What the last ANALYZE knew of the index's words; nothing before the first."""
    rows = await session.execute(
        text(
            "SELECT lexeme, frequency FROM pg_stats, LATERAL unnest("
            "CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS common(lexeme, frequency) "
            "WHERE schemaname = current_schema() AND tablename = 'search_entries' AND attname = 'vector' "
            "AND lexeme IS NOT NULL"
        )
    )
    frequencies = {row[0]: row[1] for row in rows}
    entries = await session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'search_entries'::regclass"))
    return WordStatistics(frequencies=frequencies, entries=max(0.0, entries or 0.0))


async def words_like(session: AsyncSession, forms: set[str]) -> list[str]:
    """Indexed words that have one of these forms in common with ``search_words.slips``."""
    return list(
        await session.scalars(
            text("SELECT word FROM search_words WHERE slips && CAST(:forms AS text[]) LIMIT 200"),
            {"forms": sorted(forms)},
        )
    )
