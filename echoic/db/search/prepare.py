"""Prepares the transaction of a search: its settings, and facts on which the statements after it depend."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, bindparam, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item
from echoic.db.reads import Query, ask
from echoic.db.search.conditions import STATEMENTS, date_conditions, item_conditions, readable_datasets
from echoic.db.search.index import FIRST_IN_BLOCKS, FIRST_MARKED, SCHEMA_VERSION, SearchDictionary, SearchEntry
from echoic.db.search.windows import Items
from echoic.search.question import Filters, Search
from echoic.search.ranking import MAX_NEAREST

MAX_NARROWING_MARKS = 100
"""A search in so few datasets or items looks them up in the index together with the words; more cost more than they
save."""
MAX_VECTORS_SCANNED = 5_000
"""Embeddings looked at in their index where the reader may read few of the nearest ones."""
MAX_DATED = 10_000
"""So many items that came out in the time that is wanted are looked at one by one, for the range of ids that they are in."""

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
    """Facts about the index and the account that the statements of a search depend on."""

    dictionaries: tuple[str, ...]
    """The dictionaries that entries were made with."""
    with_older: bool
    """Whether there are entries without marks: those of the first schema version, and maybe those of a later one."""
    datasets: tuple[int, ...] | None
    """The datasets that the account may read; None where they are many."""
    items: Items
    """Those with entries."""
    in_blocks: bool
    """Whether all entries have the marks of their blocks of items."""


_FEW = MAX_NARROWING_MARKS + 1
_PREPARE = Query(
    select(
        func.array(select(SearchDictionary.dictionary).order_by(SearchDictionary.dictionary).scalar_subquery()),
        select(func.min(SearchEntry.schema_version)).scalar_subquery(),
        select(func.max(SearchEntry.schema_version)).scalar_subquery(),
        func.array(readable_datasets().limit(_FEW).scalar_subquery()),
        select(func.min(SearchEntry.item_id)).scalar_subquery(),
        select(func.max(SearchEntry.item_id)).scalar_subquery(),
        literal_column(_SETTINGS),
    )
)


async def prepare(session: AsyncSession, account_id: int) -> Prepared:
    """Set the transaction up for planning without sequential scans, and read the facts, in one statement."""
    ((dictionaries, oldest, newest, datasets, first, last, _),) = await ask(session, _PREPARE, account_id=account_id)
    return Prepared(
        dictionaries=tuple(dictionaries),
        with_older=oldest is not None and (oldest < FIRST_MARKED or newest > SCHEMA_VERSION),
        datasets=tuple(datasets) if len(datasets) < _FEW else None,
        items=Items(first or 0, last or 0),
        in_blocks=oldest is not None and FIRST_IN_BLOCKS <= oldest <= newest <= SCHEMA_VERSION,
    )


async def has_vectors(session: AsyncSession) -> bool:
    """Return whether embeddings are kept as vectors that can be searched: the database has pgvector, and had it when the
    schema was last brought up to date.
    """
    kind = await session.scalar(
        text(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'segment_embeddings'::regclass AND attname = 'vector'"
        )
    )
    return bool(kind == "halfvec")


async def narrow(session: AsyncSession, search: Search, given: Mapping[str, Any]) -> list[int] | Items | None:
    """Look up the items that the filters of a search let through.

    Returns them where they are few, else the range that they are in: most filters by date are a range of items. None where
    nothing is filtered.
    """
    if search.filters == Filters():
        return None
    names = frozenset(given)
    items = [row[0] for row in await ask(session, _few_items(names), **given, at_most=_FEW)]
    if len(items) < _FEW:
        return items
    if dates := names & _DATES:
        # Who uploads by and by has the items of a time side by side, and thus far from both ends of all.
        when = {name: given[name] for name in dates}
        ((dated, first, last),) = await ask(session, _range_of_dated(dates), **when, at_most=MAX_DATED + 1)
        if dated <= MAX_DATED:
            return Items(first, last)
    ((first, last),) = await ask(session, _range_of_items(names), **given)
    return Items(first, last)


_DATES = frozenset({"published_from", "published_before"})
_AT_MOST = bindparam("at_most", type_=Integer())


@lru_cache(STATEMENTS)
def _few_items(given: frozenset[str]) -> Query:
    return Query(select(Item.id).where(*item_conditions(given)).limit(_AT_MOST))


@lru_cache(STATEMENTS)
def _range_of_dated(dates: frozenset[str]) -> Query:
    dated = select(Item.id).where(*date_conditions(dates)).limit(_AT_MOST).subquery()
    return Query(select(func.count(), func.min(dated.c.id), func.max(dated.c.id)))


@lru_cache(STATEMENTS)
def _range_of_items(given: frozenset[str]) -> Query:
    return Query(select(func.min(Item.id), func.max(Item.id)).where(*item_conditions(given)))
