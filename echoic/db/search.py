"""Queries over the search index: what a reader may find, by words, by meaning, or by both.

Only segments of a published item's present transcript are found, and only in libraries the asking account may read;
both are decided in the statement that searches. Ranking and limits are described at the constants.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    and_,
    desc,
    func,
    literal,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.index import DIMENSIONS, SCHEMA_VERSION, TEXT_CONFIG, SearchEntry, SegmentEmbedding
from echoic.db.items import Item
from echoic.db.libraries import Dataset, Library, LibraryMember
from echoic.db.transcripts import Segment
from echoic.records import Embeddings

FUSION_CANDIDATES = 200
"""By meaning everything is near everything to some degree: the nearest so many segments count as found. Hybrid search
merges as many of each kind."""
FUSION_K = 60
"""Reciprocal rank fusion: a result's score is the sum of 1 / (k + its rank) over the rankings it is in, with the k of
Cormack, Clarke and Büttcher (SIGIR 2009). It needs no scores that can be compared."""
RANK_BY_LENGTH = 1
"""``ts_rank_cd`` divides by 1 + the logarithm of the segment's length."""
HEADLINE = "HighlightAll=true, StartSel=<mark>, StopSel=</mark>"

_MINUS_SIGNS = re.compile(r"-[\W_]*-")

SortField = Literal["relevance", "date"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What results are narrowed to; None leaves a filter out, an empty tuple lets nothing through."""

    datasets: tuple[int, ...] | None = None
    items: tuple[int, ...] | None = None
    speakers: tuple[str, ...] | None = None
    """Names, compared without regard to case."""
    published_from: datetime | None = None
    published_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Which of the results are wanted, and in which order."""

    limit: int
    offset: int
    sort: SortField = "relevance"
    ascending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """The query as a vector, and the model that made it: vectors of two models are never compared."""

    model: str
    vector: Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A segment that was found. ``score`` can only be compared within one answer."""

    segment_id: int
    score: float
    start: float
    end: float
    text: str
    highlighted: str | None
    """HTML: the text escaped, with <mark> around the words that matched."""
    speaker: str | None
    item_id: int
    item_title: str
    published_at: datetime | None
    dataset_id: int
    dataset_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """One page of results, and how many there are in all."""

    hits: tuple[Hit, ...]
    total: int


async def find(
    session: AsyncSession,
    *,
    account_id: int,
    query: str,
    words: bool,
    meaning: Meaning | None,
    filters: Filters,
    page: Page,
    highlight: bool,
) -> Hits:
    """Search by words, by meaning, or, with both, by the fusion of the two.

    ``query`` is in the syntax of ``websearch_to_tsquery``, which takes any text; one of stop words alone finds nothing.
    """
    readable = _readable(account_id, filters)
    # A run of minus signs, whatever stands between them, overflows the parser's stack ("tsquery stack too small").
    tsquery = func.websearch_to_tsquery(TEXT_CONFIG, _MINUS_SIGNS.sub("-", query))
    if meaning is None:
        found = _by_words(readable, tsquery).cte("found")
    else:
        await _prepare_vector_scan(session)
        found = _fused(readable, tsquery, meaning) if words else _by_meaning(readable, meaning).cte("found")
    rows = (await session.execute(_paged(found, page, tsquery if highlight else None))).all()
    return Hits(hits=tuple(_as_hit(row) for row in rows if row.segment_id is not None), total=rows[0].total)


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


async def _prepare_vector_scan(session: AsyncSession) -> None:
    """Let the index go on until enough readable segments are found, instead of filtering its first few."""
    await session.execute(
        select(
            func.set_config("hnsw.ef_search", str(FUSION_CANDIDATES), true()),
            func.set_config("hnsw.iterative_scan", "relaxed_order", true()),
        )
    )


def _readable(account_id: int, filters: Filters) -> ColumnElement[bool]:
    """The condition on segment, item, dataset and library that every result fulfills."""
    memberships = select(LibraryMember.library_id).where(LibraryMember.account_id == account_id)
    conditions = [
        Item.status == "published",
        or_(Library.visibility == "public", Library.id.in_(memberships)),
    ]
    if filters.datasets is not None:
        conditions.append(Item.dataset_id.in_(filters.datasets))
    if filters.items is not None:
        conditions.append(Item.id.in_(filters.items))
    if filters.speakers is not None:
        conditions.append(func.lower(Segment.speaker).in_([speaker.lower() for speaker in filters.speakers]))
    if filters.published_from is not None:
        conditions.append(Item.published_at >= filters.published_from)
    if filters.published_before is not None:
        conditions.append(Item.published_at < filters.published_before)
    return and_(*conditions)


def _joined(statement: Select[Any]) -> Select[Any]:
    return (
        statement.join(Item, Item.transcript_id == Segment.transcript_id)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
    )


def _by_words(readable: ColumnElement[bool], tsquery: ColumnElement[Any]) -> Select[Any]:
    score = func.ts_rank_cd(SearchEntry.text_vector, tsquery, RANK_BY_LENGTH)
    entries = select(SearchEntry.segment_id, score.label("score")).join(Segment, Segment.id == SearchEntry.segment_id)
    return _joined(entries).where(SearchEntry.text_vector.op("@@")(tsquery), readable)


def _by_meaning(readable: ColumnElement[bool], meaning: Meaning) -> Select[Any]:
    distance = SegmentEmbedding.vector.max_inner_product(meaning.vector)
    embeddings = select(SegmentEmbedding.segment_id, (-distance).label("score")).join(
        Segment, Segment.id == SegmentEmbedding.segment_id
    )
    return (
        _joined(embeddings)
        .where(SegmentEmbedding.model == meaning.model, readable)
        .order_by(distance)
        .limit(FUSION_CANDIDATES)
    )


def _fused(readable: ColumnElement[bool], tsquery: ColumnElement[Any], meaning: Meaning) -> CTE:
    words = _by_words(readable, tsquery)
    ranked_words = _ranked(words.order_by(desc("score"), SearchEntry.segment_id).limit(FUSION_CANDIDATES), "words")
    ranked_meaning = _ranked(_by_meaning(readable, meaning), "meaning")
    score = func.coalesce(1.0 / (FUSION_K + ranked_words.c.rank), 0.0) + func.coalesce(
        1.0 / (FUSION_K + ranked_meaning.c.rank), 0.0
    )
    segment_id = func.coalesce(ranked_words.c.segment_id, ranked_meaning.c.segment_id)
    both = ranked_words.outerjoin(ranked_meaning, ranked_words.c.segment_id == ranked_meaning.c.segment_id, full=True)
    return select(segment_id.label("segment_id"), score.label("score")).select_from(both).cte("found")


def _ranked(candidates: Select[Any], name: str) -> CTE:
    found = candidates.subquery(f"{name}_found")
    rank = func.row_number().over(order_by=(found.c.score.desc(), found.c.segment_id))
    return select(found.c.segment_id, rank.label("rank")).cte(name)


def _paged(found: CTE, page: Page, tsquery: ColumnElement[Any] | None) -> Select[Any]:
    """The page with the total beside each row; one row without a segment where the page is empty."""
    first = found.c.score if page.sort == "relevance" else Item.published_at
    # Equal ones: the newest item first, its segments in the order in which they were said.
    order = (first.asc() if page.ascending else first.desc(), Item.id.desc(), Segment.position)
    wanted = (
        _joined(select(found.c.segment_id, found.c.score).join(Segment, Segment.id == found.c.segment_id))
        .add_columns(
            Segment.start.label("start"),
            Segment.end.label("end"),
            Segment.text.label("text"),
            Segment.speaker.label("speaker"),
            Item.id.label("item_id"),
            Item.title.label("item_title"),
            Item.published_at.label("published_at"),
            Dataset.id.label("dataset_id"),
            Dataset.name.label("dataset_name"),
            func.row_number().over(order_by=order).label("place"),
        )
        .order_by(*order)
        .limit(page.limit)
        .offset(page.offset)
        .cte("page")
    )
    total = select(func.count().label("total")).select_from(found).cte("total")
    highlighted = literal(None) if tsquery is None else _headline(wanted.c.text, tsquery)
    return (
        select(total.c.total, wanted, highlighted.label("highlighted"))
        .select_from(total.outerjoin(wanted, true()))
        .order_by(wanted.c.place)
    )


def _headline(column: ColumnElement[str], tsquery: ColumnElement[Any]) -> ColumnElement[Any]:
    """Escaped before it is marked: then no tag but ours can be in it, and what is escaped still parses as the same words."""
    escaped = column
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = func.replace(escaped, character, entity)
    return func.ts_headline(TEXT_CONFIG, escaped, tsquery, HEADLINE)


def _as_hit(row: Row[Any]) -> Hit:
    return Hit(
        segment_id=row.segment_id,
        score=row.score,
        start=row.start,
        end=row.end,
        text=row.text,
        highlighted=row.highlighted,
        speaker=row.speaker,
        item_id=row.item_id,
        item_title=row.item_title,
        published_at=row.published_at,
        dataset_id=row.dataset_id,
        dataset_name=row.dataset_name,
    )


async def index_transcript(session: AsyncSession, *, transcript_id: int) -> None:
    """Make a transcript's segments findable by word once its item is published; done again, it replaces its entries."""
    vector = func.to_tsvector(TEXT_CONFIG, Segment.text)
    entries = insert(SearchEntry).from_select(
        ["segment_id", "schema_version", "text_vector"],
        select(Segment.id, literal(SCHEMA_VERSION), vector).where(Segment.transcript_id == transcript_id),
    )
    await session.execute(
        entries.on_conflict_do_update(
            index_elements=[SearchEntry.segment_id],
            set_={
                "schema_version": entries.excluded.schema_version,
                "text_vector": entries.excluded.text_vector,
            },
        )
    )


async def store_embeddings(
    session: AsyncSession, *, segment_ids: Sequence[int], model: str, vectors: Embeddings
) -> None:
    """Keep what segments mean, shape (segments, DIMENSIONS), for search by meaning; replaces what they had.

    Works with and without pgvector: arrays are assigned to whichever type the column has.
    """
    if vectors.shape != (len(segment_ids), DIMENSIONS):
        raise ValueError(f"{len(segment_ids)} segments need vectors of {DIMENSIONS} numbers, not {vectors.shape}")
    if not segment_ids:
        return
    await session.execute(
        text(
            "INSERT INTO segment_embeddings (segment_id, model, vector) "
            "VALUES (:segment_id, :model, CAST(:vector AS real[])) "
            "ON CONFLICT (segment_id) DO UPDATE SET model = excluded.model, vector = excluded.vector"
        ),
        [
            {"segment_id": segment_id, "model": model, "vector": vector.tolist()}
            for segment_id, vector in zip(segment_ids, vectors, strict=True)
        ],
    )
