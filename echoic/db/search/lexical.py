"""Search by words: the entries that match a query, the best of them first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, REAL, TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item, came_out_at
from echoic.db.reads import Query, ask
from echoic.db.search.conditions import STATEMENTS, item_conditions, segment_conditions
from echoic.db.search.index import SearchEntry
from echoic.db.transcripts.transcripts import Segment
from echoic.search.question import Order
from echoic.search.ranking import Match, Matches, in_order

MAX_MATCHES = 1_000
"""So many matches are ranked and counted, no more: what bounds the cost of a common word."""

MAX_LOOKED_AT = 60_000
"""Through so many of the newest entries matches are looked for, where so many match that the index's list of them is long."""
LISTED_MEANWHILE = 1.7
"""So many matches are listed by the index in the time in which one entry is looked at (0.43 against 0.75 µs)."""
FETCHED_MEANWHILE = 0.5
"""So many of those listed are fetched in that time."""

ONCE = 0.6079271
"""What ``ts_rank`` gives for a single occurrence; each further one adds less, up to 1."""
WEIGHTS = (1.0, 0.0, 1.0, 1.0)
"""Of the classes D, C, B, A of positions: words of the following segment (C) do not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A part of a query that adds to the score, written as a PostgreSQL tsquery."""

    tsquery: str
    weight: float
    counted: bool
    """Whether it counts more the more often it occurs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextQuery:
    """The compiled query of a search by words."""

    tsquery: str
    terms: tuple[Term, ...]
    narrow_queries: tuple[str, ...] = ()
    """Queries for the matches that can rank highest, each with few of them."""
    expected_matches: float = 0.0
    """About so many matches are met when as many of the newest entries are looked at as there are matches in all."""


End = Literal["newest", "oldest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """The key of a compiled statement: two searches of one shape differ in their parameters only."""

    given: frozenset[str]
    """Names of the parameters that the conditions compare with."""
    counted: tuple[bool, ...]
    """Of each term of the query."""
    listed: bool
    """Whether the matches come from the list that the index of words has of them, or by looking at entry after entry."""
    end: End | None
    """Of time, from which on they come; listed ones may come in any order."""
    order: Order


async def by_words(
    session: AsyncSession, given: Mapping[str, Any], query: TextQuery, order: Order, *, limit: int
) -> Matches:
    """Rank at most ``MAX_MATCHES`` matches of a query and return the best; ``given`` are the conditions' parameters."""
    search = _Lookup(session, given, query, order, limit)
    rows: list[_Row] = []
    if query.expected_matches > LISTED_MEANWHILE * MAX_MATCHES:
        rows = await search.best_at_the_end(among=MAX_MATCHES + 1)
    if _total(rows) <= MAX_MATCHES:
        rows = await search.best_listed(among=MAX_MATCHES + 1)
        total = _total(rows)
        if total <= MAX_MATCHES:
            return Matches(matches=tuple(_as_match(row) for row in rows), total=total, exact=True)
        rows = await search.at_the_end(limit)
    # Too many to rank them all: those at the end of time, and those in which the words occur most often.
    if order.sort == "relevance":
        for narrow in query.narrow_queries:
            rows += await search.best_listed(among=MAX_MATCHES, tsquery=narrow)
    found = {(row[0], row[2]): _as_match(row) for row in rows}
    best = in_order(list(found.values()), order)[:limit]
    return Matches(matches=tuple(best), total=MAX_MATCHES, exact=False)


_Row = tuple[Any, ...]
"""Item, segment, position, score, time of publication; and among how many matches it is one of the best."""


class _Lookup:
    """The statements of one search, with their parameters."""

    def __init__(
        self, session: AsyncSession, given: Mapping[str, Any], query: TextQuery, order: Order, limit: int
    ) -> None:
        self._session = session
        self._given = dict(given)
        self._shape = _Shape(
            given=frozenset(self._given),
            counted=tuple(term.counted for term in query.terms),
            listed=True,
            end=None,
            order=order,
        )
        self._end: End = "oldest" if order.sort == "date" and order.ascending else "newest"
        self._expected_matches = query.expected_matches
        for number, term in enumerate(query.terms):
            self._given |= {_TERM.format(number): term.tsquery, _WEIGHT.format(number): term.weight}
        self._given |= {"tsquery": query.tsquery, "limit": limit, "looked_at": MAX_LOOKED_AT}

    async def best_listed(self, *, among: int, tsquery: str | None = None) -> list[_Row]:
        """Return the best of any so many matches; of those of a narrower query, if given."""
        narrower = {} if tsquery is None else {"tsquery": tsquery}
        return await self._ask(self._shape, among=among, **narrower)

    async def best_at_the_end(self, *, among: int) -> list[_Row]:
        """The best of the first so many matches at the end of time that is wanted, looking at entry after entry."""
        return await self._ask(replace(self._shape, listed=False, end=self._end), among=among)

    async def at_the_end(self, number: int) -> list[_Row]:
        """Return so many matches at that end, by the shorter of two ways."""
        if self._expected_matches > FETCHED_MEANWHILE * number:
            rows = await self.best_at_the_end(among=number)
            if _total(rows) == number:
                return rows
        return await self._ask(replace(self._shape, end=self._end), among=number)

    async def _ask(self, shape: _Shape, **given: Any) -> list[_Row]:
        return await ask(self._session, _best(shape), **{**self._given, **given})


_TERM, _WEIGHT = "term_{}", "weight_{}"


@lru_cache(STATEMENTS)
def _best(shape: _Shape) -> Query:
    matched = _readable(shape).limit(bindparam("among", type_=Integer())).cte("matched")
    first = matched.c.score if shape.order.sort == "relevance" else matched.c.published_at
    return Query(
        select(matched, func.count().over().label("total"))
        .order_by(first.asc() if shape.order.ascending else first.desc(), matched.c.item_id.desc(), matched.c.position)
        .limit(bindparam("limit", type_=Integer()))
    )


def _readable(shape: _Shape) -> Select[Any]:
    """Return those entries that the caller may read, with their scores, in the order in which the entries come.

    Each OFFSET 0 keeps the planner from another way: from beginning with the items, of which each has entries that do not
    match, and from reading all items there are, of which few are met.
    """
    entry = _entries(shape).offset(literal_column("0")).subquery("entry")
    item = (
        select(came_out_at().label("published_at"))
        .where(
            Item.id == entry.c.item_id,
            or_(entry.c.transcript_id.is_(None), entry.c.transcript_id == Item.transcript_id),
            *item_conditions(shape.given),
        )
        .offset(literal_column("0"))
        .lateral("item")
    )
    found: Select[Any] = select(
        entry.c.item_id,
        entry.c.segment_id,
        entry.c.position,
        _score(entry.c.vector, shape.counted).label("score"),
        item.c.published_at,
    ).join_from(entry, item, true())
    conditions = segment_conditions(shape.given)
    if conditions:
        found = found.join(Segment, Segment.id == entry.c.segment_id).where(*conditions)
    return found


def _entries(shape: _Shape) -> Select[Any]:
    """Return the entries that match, whoever may read them."""
    entries: Select[Any] = select(SearchEntry)
    if "first_item" in shape.given:
        first, last = (bindparam(name, type_=BigInteger()) for name in ("first_item", "last_item"))
        entries = entries.where(SearchEntry.item_id.between(first, last))
    tsquery = cast(bindparam("tsquery", type_=Text()), TSQUERY)
    in_time = (SearchEntry.item_id.asc() if shape.end == "oldest" else SearchEntry.item_id.desc(), SearchEntry.position)
    if shape.listed:
        entries = entries.where(SearchEntry.vector.op("@@")(tsquery))
        return entries.order_by(*in_time) if shape.end else entries
    looked_at = entries.order_by(*in_time).limit(bindparam("looked_at", type_=Integer())).subquery()
    return select(looked_at).where(looked_at.c.vector.op("@@")(tsquery))


def _score(vector: ColumnElement[Any], counted: tuple[bool, ...]) -> ColumnElement[float]:
    score: ColumnElement[Any] = literal(0.0, Float)
    weights = literal_column(f"CAST('{{{','.join(map(str, WEIGHTS))}}}' AS real[])", ARRAY(REAL))
    for number, more_counts_more in enumerate(counted):
        query = cast(bindparam(_TERM.format(number), type_=Text()), TSQUERY)
        if more_counts_more:
            there: ColumnElement[Any] = func.ts_rank(weights, vector, query)
        else:
            there = case((vector.op("@@")(query), ONCE), else_=0.0)
        score += bindparam(_WEIGHT.format(number), type_=Float()) * there
    return score


def _total(rows: list[_Row]) -> int:
    """Among how many matches these are the best."""
    return rows[0][-1] if rows else 0


def _as_match(row: _Row) -> Match:
    item_id, segment_id, position, score, published_at = row[:5]
    return Match(item_id=item_id, segment_id=segment_id, position=position, score=score, published_at=published_at)
