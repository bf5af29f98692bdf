"""Search by words: the entries that match a query, the best of them first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
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
from echoic.db.search.lexemes import any_of
from echoic.db.search.windows import End, Items
from echoic.db.transcripts.transcripts import Segment
from echoic.search.question import Order
from echoic.search.ranking import Match, Matches, in_order

MAX_MATCHES = 1_000
"""So many matches are ranked and counted, no more: what bounds the cost of a common word."""

MARGIN = 1.3
"""So many times the matches that are wanted are expected in a window."""

ONCE = 0.6079271
"""What ``ts_rank`` gives for a single occurrence; each further one adds less, up to 1."""
WEIGHTS = (1.0, 0.0, 1.0, 1.0)
"""Of the classes D, C, B, A of positions: words of the following segment (C) do not count."""


Measure = Literal["occurrences", "presence", "match"]
"""What a term adds to a score by: how often it occurs, whether it is there, or neither, since every match has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A part of a query that adds to the score, written as a PostgreSQL tsquery."""

    tsquery: str
    weight: float
    by: Measure
    """What it adds by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NarrowQuery:
    """A query for those of the matches that can rank highest."""

    tsquery: str
    share: float
    """About the part of all matches that it finds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextQuery:
    """The compiled query of a search by words."""

    tsquery: str
    terms: tuple[Term, ...]
    marks: tuple[str, ...] = ()
    """Queries for the marks that narrow the search. All must hold. Apart from each other, the index passes over what one
    of them leaves out; in one query it would read it."""
    narrow_queries: tuple[tuple[NarrowQuery, ...], ...] = ()
    """Each narrower than the one before it."""
    expected: float = 0.0
    """About so many entries match, rather more than fewer of what is rare; 0 where nothing is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The part of the index that a search looks through."""

    items: Items
    """Those that the index holds and the filters let through."""
    in_blocks: bool
    """Whether every entry has the marks of its blocks of items."""
    part: float
    """Which part of the index the items are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """The key of a compiled statement: two searches of one shape differ in their parameters only."""

    given: frozenset[str]
    """Names of the parameters that the conditions compare with."""
    terms: tuple[Measure, ...]
    """Of the query."""
    marks: int
    """So many queries for marks."""
    in_window: bool
    """Whether matches are looked for in a range of items."""
    end: End
    """Of time, from which on matches come."""
    order: Order


async def by_words(
    session: AsyncSession, given: Mapping[str, Any], query: TextQuery, place: Range, *, order: Order, limit: int
) -> Matches:
    """Rank at most ``MAX_MATCHES`` matches of a query and return the best; ``given`` are the conditions' parameters."""
    search = _Lookup(session, given, query, place, order=order, limit=limit)
    met = await search.at_the_end(query.tsquery, query.expected * place.part)
    if met.total <= MAX_MATCHES:
        return Matches(matches=tuple(in_order(met.best, order)[:limit]), total=met.total, exact=True)
    # Too many to rank them all: those at the end of time, and those in which the words occur most often.
    best = list(met.best)
    if order.sort == "relevance":
        matches = search.about_all(met)
        for narrower in query.narrow_queries:
            best += await search.with_most(narrower, matches)
    found = {(match.item_id, match.position): match for match in best}
    return Matches(matches=tuple(in_order(list(found.values()), order)[:limit]), total=MAX_MATCHES, exact=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Met:
    """The matches that a search came upon."""

    best: Sequence[Match] = ()
    total: int = 0
    """Among so many they are the best."""
    farthest: int = 0
    """The item of all of them that is farthest from the end of time at which they are."""


class _Lookup:
    """The statements of one search, with their parameters."""

    def __init__(
        self,
        session: AsyncSession,
        given: Mapping[str, Any],
        query: TextQuery,
        place: Range,
        *,
        order: Order,
        limit: int,
    ) -> None:
        self._session = session
        self._given = dict(given)
        self._query = query
        self._place = place
        self._end: End = "oldest" if order.sort == "date" and order.ascending else "newest"
        self._shape = _Shape(
            given=frozenset(self._given),
            terms=tuple(term.by for term in query.terms),
            marks=0,
            in_window=False,
            end=self._end,
            order=order,
        )
        for number, term in enumerate(query.terms):
            self._given |= {_TERM.format(number): term.tsquery, _WEIGHT.format(number): term.weight}
        self._limit = self._given["limit"] = limit

    async def at_the_end(self, tsquery: str, expected: float, *, most: int | None = None) -> _Met:
        """Return the best of the first ``most`` matches at the end of time that is wanted, of about so many as are expected.

        ``most`` is one more than ``MAX_MATCHES`` unless given. Matches are looked for in a window, and while these are fewer, in
        the next one, which is at least as large as all before it.
        """
        most = MAX_MATCHES + 1 if most is None else most
        items = rest = self._place.items
        met = _Met()
        size = MARGIN * most * items.size / expected if expected else inf
        while self._place.in_blocks and (window := rest.at(self._end, size)) is not None:
            met = await self._go_on(met, tsquery, window, most)
            if met.total >= most:
                return met
            rest = rest.beyond(self._end, window)
            looked_through = items.size - rest.size
            size = looked_through * max(1.0, MARGIN * most / met.total - 1) if met.total else inf
        everything = rest == items and self._place.part == 1
        return await self._go_on(met, tsquery, None if everything else rest, most)

    def about_all(self, met: _Met) -> float:
        """Return about how many matches there are in all, by how far from the end those reach that were met."""
        reached = self._place.items.up_to(self._end, met.farthest)
        return met.total * self._place.items.size / max(1, reached.size)

    async def with_most(self, narrower: Sequence[NarrowQuery], matches: float) -> list[Match]:
        """Return the best by queries of which each is narrower than the one before: by the first that finds few enough, and
        by those before it that were thought to.

        Where these are too few, as words hardly ever occur so often, the newest of the query before are the next best.
        """
        best: list[Match] = []
        wider: NarrowQuery | None = None
        for query in narrower:
            expected = query.share * matches
            if expected > MAX_MATCHES and query is not narrower[-1]:
                wider = query
                continue
            met = await self.at_the_end(query.tsquery, expected)
            best += met.best
            if met.total <= MAX_MATCHES:
                break
        if wider is not None and len(best) < self._limit:
            newest = await self.at_the_end(wider.tsquery, wider.share * matches, most=self._limit)
            best += newest.best
        return best

    async def _go_on(self, met: _Met, tsquery: str, window: Items | None, most: int) -> _Met:
        """Return what was met before and in a window, at most so many; None is for all items."""
        marks = list(self._query.marks)
        given = {**self._given, "tsquery": tsquery, "among": most - met.total}
        if window is not None:
            given |= {"first_item": window.first, "last_item": window.last}
            if self._place.in_blocks and (blocks := window.blocks()):
                marks.append(any_of(blocks))
        given |= {_MARKS.format(number): mark for number, mark in enumerate(marks)}
        statement = _best(replace(self._shape, marks=len(marks), in_window=window is not None))
        rows = await ask(self._session, statement, **given)
        if not rows:
            return met
        total, farthest = rows[0][5:]
        return _Met(best=[*met.best, *map(_as_match, rows)], total=met.total + total, farthest=farthest)


_TERM, _WEIGHT, _MARKS = "term_{}", "weight_{}", "marks_{}"


@lru_cache(STATEMENTS)
def _best(shape: _Shape) -> Query:
    matched = _readable(shape).limit(bindparam("among", type_=Integer())).cte("matched")
    first = matched.c.score if shape.order.sort == "relevance" else matched.c.published_at
    farthest = func.max if shape.end == "oldest" else func.min
    return Query(
        select(matched, func.count().over().label("total"), farthest(matched.c.item_id).over().label("farthest"))
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
        _score(entry.c.vector, shape.terms).label("score"),
        item.c.published_at,
    ).join_from(entry, item, true())
    if shape.in_window:
        first, last = (bindparam(name, type_=BigInteger()) for name in ("first_item", "last_item"))
        found = found.where(entry.c.item_id.between(first, last))
    conditions = segment_conditions(shape.given)
    if conditions:
        found = found.join(Segment, Segment.id == entry.c.segment_id).where(*conditions)
    return found


def _entries(shape: _Shape) -> Select[Any]:
    """Return the entries that match, whoever may read them."""
    wanted = ["tsquery", *map(_MARKS.format, range(shape.marks))]
    conditions = (SearchEntry.vector.op("@@")(cast(bindparam(name, type_=Text()), TSQUERY)) for name in wanted)
    entries = select(SearchEntry).where(*conditions)
    in_time = SearchEntry.item_id.asc() if shape.end == "oldest" else SearchEntry.item_id.desc()
    return entries.order_by(in_time, SearchEntry.position)


def _score(vector: ColumnElement[Any], terms: tuple[Measure, ...]) -> ColumnElement[float]:
    score: ColumnElement[Any] = literal(0.0, Float)
    weights = literal_column(f"CAST('{{{','.join(map(str, WEIGHTS))}}}' AS real[])", ARRAY(REAL))
    for number, measure in enumerate(terms):
        query = cast(bindparam(_TERM.format(number), type_=Text()), TSQUERY)
        there: ColumnElement[Any]
        match measure:
            case "occurrences":
                there = func.ts_rank(weights, vector, query)
            case "presence":
                there = case((vector.op("@@")(query), ONCE), else_=0.0)
            case "match":
                there = literal(ONCE, Float)
        score += bindparam(_WEIGHT.format(number), type_=Float()) * there
    return score


def _as_match(row: Sequence[Any]) -> Match:
    item_id, segment_id, position, score, published_at = row[:5]
    return Match(item_id=item_id, segment_id=segment_id, position=position, score=score, published_at=published_at)
