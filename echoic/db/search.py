"""Queries over the search index: what a reader may find, by words or by meaning.

Only what belongs to a published item's present transcript is found, and only in libraries the asking account may read;
both are decided in the statement that searches. docs/search.md says how results are ranked and what bounds the cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, REAL, TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.index import SCHEMA_VERSION, SearchDictionary, SearchEntry, SegmentEmbedding
from echoic.db.items import Item
from echoic.db.search_scope import Filters, Scope, item_conditions, readable_datasets, segment_conditions
from echoic.db.transcripts import Segment

MAX_MATCHES = 3_000
"""So many matches are ranked and counted, no more: what bounds the cost of a common word."""
MAX_NEAREST = 100
"""By meaning everything is near everything to some degree: at most so many of the nearest segments count as found."""
MAX_VECTORS_SCANNED = 20_000
"""Where the reader may read little of what lies near, the search goes on through so many vectors."""
MAX_EXACT_ITEMS = 50
"""A search by meaning in so few items compares with every segment of theirs."""
MAX_NARROWING_MARKS = 100
"""A search in so few datasets or items looks them up in the index together with the words; more cost more than they
save."""

ONCE = 0.6079271
"""What ``ts_rank`` gives for a single occurrence; each further one adds less, up to 1."""
WEIGHTS = (1.0, 0.0, 1.0, 1.0)
"""Of the classes D, C, B, A of positions: words of the following segment (C) do not count."""

SortField = Literal["relevance", "date"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """In which order results are wanted; of equal ones the newest item comes first, its segments as they were said."""

    sort: SortField = "relevance"
    ascending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """A part of a query that counts for the score; queries are the texts of tsqueries."""

    tsquery: str
    weight: float
    counted: bool
    """Whether it counts more the more often it occurs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WordQuery:
    """A search by words as the index takes it."""

    tsquery: str
    terms: tuple[Term, ...]
    champions: tuple[str, ...] = ()
    """Narrower queries that together hold those matches that can rank highest."""
    many: bool = False
    """Whether more than ``MAX_MATCHES`` are expected."""
    everywhere: bool = False
    """Whether a good part of all entries is expected to match."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """The query as a vector, and the model that made it: vectors of two models are never compared."""

    model: str
    vector: Sequence[float]
    floor: float
    """Segments less similar than this are not found."""


_SETTINGS = " || ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in {
        "plan_cache_mode": "force_custom_plan",
        "enable_seqscan": "off",
        "max_parallel_workers_per_gather": 0,
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
    """Whether there are entries of another schema version."""
    datasets: tuple[int, ...] | None
    """Those the caller may read; None where they are many."""


async def prepare(session: AsyncSession, account_id: int) -> Prepared:
    """Sets up the transaction, so that its statements are cheap as planned for or not at all; one statement itself."""
    few = MAX_NARROWING_MARKS + 1
    names = select(SearchDictionary.dictionary).order_by(SearchDictionary.dictionary)
    row = (
        await session.execute(
            select(
                func.array(names.scalar_subquery()),
                select(func.min(SearchEntry.schema_version)).scalar_subquery(),
                select(func.max(SearchEntry.schema_version)).scalar_subquery(),
                func.array(readable_datasets(account_id).limit(few).scalar_subquery()),
                literal_column(_SETTINGS),
            )
        )
    ).one()
    oldest, newest, datasets = row[1:4]
    return Prepared(
        dictionaries=tuple(row[0]),
        with_older=oldest is not None and (oldest, newest) != (SCHEMA_VERSION, SCHEMA_VERSION),
        datasets=tuple(datasets) if len(datasets) < few else None,
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
    conditions = item_conditions(scope)
    few = MAX_NARROWING_MARKS + 1
    items = list(await session.scalars(select(Item.id).where(*conditions).limit(few)))
    if len(items) < few:
        return scope, items
    first, last = (await session.execute(select(func.min(Item.id), func.max(Item.id)).where(*conditions))).one()
    return replace(scope, items_between=(first, last)), None


async def by_words(session: AsyncSession, scope: Scope, query: WordQuery, order: Order, *, limit: int) -> Matches:
    """The best matches of a query by words, ranked among at most ``MAX_MATCHES``."""
    if query.many and await _count(session, scope, query) > MAX_MATCHES:
        best = await _best_of_many(session, scope, query, order, limit)
        return Matches(matches=tuple(best), total=MAX_MATCHES, exact=False)
    matched = _readable(scope, query, _entries(scope, query.tsquery)).limit(MAX_MATCHES + 1)
    rows = (await session.execute(_best(matched, order, limit))).all()
    total = rows[0].total if rows else 0
    if total <= MAX_MATCHES:
        return Matches(matches=tuple(_as_match(row) for row in rows), total=total, exact=True)
    best = await _best_of_many(session, scope, query, order, limit)
    return Matches(matches=tuple(best), total=MAX_MATCHES, exact=False)


async def _best_of_many(session: AsyncSession, scope: Scope, query: WordQuery, order: Order, limit: int) -> list[Match]:
    """Where too many match to rank them all: those in which the words occur most often, and the newest of the rest."""
    newest_first = not (order.sort == "date" and order.ascending)
    rows = list(await session.execute(_edge(scope, query, newest_first=newest_first, limit=limit)))
    if order.sort == "relevance":
        for champions in query.champions:
            some = _readable(scope, query, _entries(scope, f"({query.tsquery}) & ({champions})")).limit(MAX_MATCHES)
            rows += (await session.execute(_best(some, order, limit))).all()
    found = {(row.item_id, row.position): _as_match(row) for row in rows}
    return in_order(list(found.values()), order)[:limit]


def in_order(matches: Sequence[Match], order: Order) -> list[Match]:
    """Matches as they are wanted."""

    def place(match: Match) -> tuple[float, int, int]:
        if order.sort == "relevance":
            value = match.score
        else:
            value = match.published_at.timestamp() if match.published_at else 0.0
        return (value if order.ascending else -value, -match.item_id, match.position)

    return sorted(matches, key=place)


async def _count(session: AsyncSession, scope: Scope, query: WordQuery) -> int:
    """How many match, counted up to one more than ``MAX_MATCHES``."""
    unranked = replace(query, terms=())
    some = MAX_MATCHES + 1
    if query.everywhere:
        found = _edge(scope, unranked, newest_first=True, limit=some)
    else:
        found = _readable(scope, unranked, _entries(scope, query.tsquery)).limit(some)
    return await session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _entries(scope: Scope, tsquery: str) -> Select[Any]:
    """The entries that match, whoever may read them, in no order: by the index of the words."""
    entries = select(SearchEntry).where(SearchEntry.vector.op("@@")(_tsquery(tsquery)))
    return entries if scope.items_between is None else entries.where(SearchEntry.item_id.between(*scope.items_between))


def _edge(scope: Scope, query: WordQuery, *, newest_first: bool, limit: int) -> Select[Any]:
    """The newest or oldest matches, where these are a fair part of all entries: through the items in their order.

    The vector behind a function keeps its index out of it, with which all matches would have to be sorted.
    """
    vector = func.coalesce(SearchEntry.vector)
    entries = (
        select(SearchEntry)
        .where(vector.op("@@")(_tsquery(query.tsquery)))
        .order_by(SearchEntry.item_id.desc() if newest_first else SearchEntry.item_id, SearchEntry.position)
    )
    if scope.items_between is not None:
        entries = entries.where(SearchEntry.item_id.between(*scope.items_between))
    return _readable(scope, query, entries).limit(limit)


def _readable(scope: Scope, query: WordQuery, entries: Select[Any]) -> Select[Any]:
    """Those entries that the caller may read, with their scores, in the order in which the entries come.

    OFFSET 0 keeps the planner from beginning with the items, of which each has entries that do not match.
    """
    entry = entries.offset(literal_column("0")).subquery("entry")
    found: Select[Any] = (
        select(
            entry.c.item_id,
            entry.c.segment_id,
            entry.c.position,
            _score(entry.c.vector, query.terms).label("score"),
            Item.published_at,
        )
        .join(Item, Item.id == entry.c.item_id)
        .where(
            or_(entry.c.transcript_id.is_(None), entry.c.transcript_id == Item.transcript_id),
            *item_conditions(scope),
        )
    )
    conditions = segment_conditions(scope.filters)
    if conditions:
        found = found.join(Segment, Segment.id == entry.c.segment_id).where(*conditions)
    return found


def _score(vector: ColumnElement[Any], terms: Sequence[Term]) -> ColumnElement[float]:
    score: ColumnElement[Any] = literal(0.0, Float)
    weights = cast(list(WEIGHTS), ARRAY(REAL))
    for term in terms:
        query = _tsquery(term.tsquery)
        if term.counted:
            there: ColumnElement[Any] = func.ts_rank(weights, vector, query)
        else:
            there = case((vector.op("@@")(query), ONCE), else_=0.0)
        score += literal(term.weight, Float) * there
    return score


def _tsquery(query: str) -> ColumnElement[Any]:
    return cast(literal(query), TSQUERY)


def _best(found: Select[Any], order: Order, limit: int) -> Select[Any]:
    matched = found.cte("matched")
    first = matched.c.score if order.sort == "relevance" else matched.c.published_at
    return (
        select(matched, func.count().over().label("total"))
        .order_by(first.asc() if order.ascending else first.desc(), matched.c.item_id.desc(), matched.c.position)
        .limit(limit)
    )


def _as_match(row: Any) -> Match:
    return Match(
        item_id=row.item_id,
        segment_id=row.segment_id,
        position=row.position,
        score=row.score,
        published_at=row.published_at,
    )


async def by_meaning(session: AsyncSession, scope: Scope, meaning: Meaning, *, items: Sequence[int] | None) -> Matches:
    """The segments whose meaning is nearest, at most ``MAX_NEAREST``; ``items`` are the few they can only be of."""
    distance = SegmentEmbedding.vector.max_inner_product(meaning.vector)
    near = (
        select(
            Item.id.label("item_id"),
            Segment.id.label("segment_id"),
            Segment.position,
            (-distance).label("score"),
            Item.published_at,
        )
        .select_from(SegmentEmbedding)
        .join(Segment, Segment.id == SegmentEmbedding.segment_id)
        .join(Item, Item.transcript_id == Segment.transcript_id)
        .where(SegmentEmbedding.model == meaning.model, *item_conditions(scope), *segment_conditions(scope.filters))
        .limit(MAX_NEAREST)
    )
    if items is not None and len(items) <= MAX_EXACT_ITEMS:
        # The sum keeps the index out of it.
        near = near.where(Item.id.in_(items)).order_by(distance + 0)
    else:
        near = near.order_by(distance)
    rows = await session.execute(near)
    found = [_as_match(row) for row in rows if row.score >= meaning.floor]
    # The index gives them in nearly the right order.
    ranked = in_order(found, Order())
    return Matches(matches=tuple(ranked), total=len(ranked), exact=True)


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
    """Indexed words that have one of these forms in common with ``words.slips``."""
    return list(
        await session.scalars(
            text("SELECT word FROM search_words WHERE slips && CAST(:forms AS text[]) LIMIT 200"),
            {"forms": sorted(forms)},
        )
    )
