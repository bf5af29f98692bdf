"""Semantic search: the segments whose embeddings are nearest to that of the query."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
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
    column,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import REGCLASS, TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import Base, among_given
from echoic.db.items.items import Item, came_out_at
from echoic.db.reads import Query, ask
from echoic.db.search.conditions import STATEMENTS, item_conditions, segment_conditions
from echoic.db.search.index import DIMENSIONS, SearchEntry, SegmentEmbedding
from echoic.db.transcripts.transcripts import Segment, Transcript
from echoic.search.question import Order, QueryEmbedding
from echoic.search.ranking import MAX_NEAREST, Match, Matches, in_order

MAX_COMPARED = 20_000
"""Where no more vectors than this may be found, the query is compared with all of them. The index of all vectors is the
slower and the less complete way there: most of what it comes upon may not be found.
"""
SURELY_MORE = 30_000
"""Vectors are not counted where so many items may be found that they have more than this, each as many as the mean."""


async def nearest(
    session: AsyncSession, given: Mapping[str, Any], embedding: QueryEmbedding, *, maybe_few: bool
) -> Matches:
    """Find the segments whose embeddings are nearest to the query's, at most ``MAX_NEAREST``.

    ``given`` are the conditions' parameters; ``maybe_few`` is whether they may let so few pass that all are compared.
    """
    names = frozenset(given)
    few = maybe_few and (await ask(session, _count(names), **given))[0][0] <= MAX_COMPARED
    query = {"model": embedding.model, "embedding": HalfVector(list(embedding.vector)).to_text()}
    rows = await ask(session, _nearest(names, few), **given, **query)
    found = [
        Match(item_id=item_id, segment_id=segment_id, position=position, score=score, published_at=published_at)
        for item_id, segment_id, position, score, published_at in rows
        if score >= embedding.floor
    ]
    # The index gives them in nearly the right order.
    ranked = in_order(found, Order())
    return Matches(matches=tuple(ranked), total=len(ranked), exact=True)


async def leave_out(session: AsyncSession, found: Matches, tsquery: str) -> Matches:
    """Return the matches without the segments whose words match a tsquery."""
    ids = [match.segment_id for match in found.matches]
    left_out = {segment_id for (segment_id,) in await ask(session, _MATCHING, ids=ids, tsquery=tsquery)}
    kept = tuple(match for match in found.matches if match.segment_id not in left_out)
    return Matches(matches=kept, total=len(kept), exact=found.exact)


_MATCHING = Query(
    select(SearchEntry.segment_id)
    .where(among_given(SearchEntry.segment_id, "ids", BigInteger()))
    .where(SearchEntry.vector.op("@@")(cast(bindparam("tsquery", type_=Text()), TSQUERY)))
)


@lru_cache(STATEMENTS)
def _count(given: frozenset[str]) -> Query:
    """Return how many vectors may be found, up to one more than ``MAX_COMPARED``.

    No more of them is read than the index of transcripts holds, and none where the items are so many that a look at the
    statistics is enough.
    """
    vectors = _vectors_of_item(select(SegmentEmbedding.transcript_id))
    some = select(vectors.c.transcript_id).join_from(Item, vectors, true()).where(*item_conditions(given))
    counted = select(func.count()).select_from(some.limit(MAX_COMPARED + 1).subquery()).scalar_subquery()
    many = select(_many_items().label("many")).cte()
    limit = select(many.c.many).scalar_subquery()
    items = select(Item.id).where(*item_conditions(given)).limit(limit).subquery()
    found = select(func.count()).select_from(items).scalar_subquery()
    return Query(select(case((found == func.nullif(many.c.many, 0), MAX_COMPARED + 1), else_=counted)))


def _many_items() -> ColumnElement[int]:
    """Return so many items as have more than ``SURELY_MORE`` vectors, by the mean; 0 where all items have fewer."""
    vectors, transcripts = map(_about_how_many, (SegmentEmbedding, Transcript))
    items = func.ceil(SURELY_MORE * transcripts / vectors)
    return case(((vectors >= SURELY_MORE) & (transcripts > 0), cast(items, BigInteger)), else_=0)


def _about_how_many(rows: type[Base]) -> ColumnElement[float]:
    """Return the number of rows of a table by PostgreSQL's statistics; below 0 before the first ANALYZE."""
    table_id = cast(literal_column(f"'{rows.__tablename__}'"), REGCLASS)
    return select(_TABLES.c.reltuples).where(_TABLES.c.oid == table_id).scalar_subquery()


_TABLES = table("pg_class", column("oid", Integer()), column("reltuples", Float()))


@lru_cache(STATEMENTS)
def _nearest(given: frozenset[str], few: bool) -> Query:
    near = _few(given) if few else _by_index(given)
    return Query(
        select(
            near.c.item_id, near.c.segment_id, Segment.position, (-near.c.distance).label("score"), near.c.published_at
        ).join(Segment, Segment.id == near.c.segment_id)
    )


def _few(given: frozenset[str]) -> Any:
    """From the items to their vectors, each of which is compared."""
    model = bindparam("model", type_=Text())
    vectors = _vectors_of_item(
        select(SegmentEmbedding.segment_id, _distance().label("distance")).where(SegmentEmbedding.model == model)
    )
    near = select(
        Item.id.label("item_id"), vectors.c.segment_id, came_out_at().label("published_at"), vectors.c.distance
    ).join_from(Item, vectors, true())
    return _narrowed(near, vectors.c.segment_id, given).order_by(vectors.c.distance).limit(MAX_NEAREST).subquery()


def _by_index(given: frozenset[str]) -> Any:
    """From the vectors in the order of their distance, which an index gives, to their items."""
    distance = _distance()
    near = (
        select(
            Item.id.label("item_id"),
            SegmentEmbedding.segment_id,
            came_out_at().label("published_at"),
            distance.label("distance"),
        )
        .join_from(SegmentEmbedding, Item, Item.transcript_id == SegmentEmbedding.transcript_id)
        .where(SegmentEmbedding.model == bindparam("model", type_=Text()))
    )
    return _narrowed(near, SegmentEmbedding.segment_id, given).order_by(distance).limit(MAX_NEAREST).subquery()


def _narrowed(near: Select[Any], segment_id: Any, given: frozenset[str]) -> Select[Any]:
    near = near.where(*item_conditions(given))
    conditions = segment_conditions(given)
    if not conditions:
        return near
    return near.where(segment_id.in_(select(Segment.id).where(Segment.id == segment_id, *conditions)))


def _vectors_of_item(vectors: Select[Any]) -> Any:
    """For a statement over items. OFFSET 0 has the planner look each item's up, whatever it thinks of their number."""
    own = vectors.where(SegmentEmbedding.transcript_id == Item.transcript_id).correlate(Item)
    return own.offset(literal_column("0")).lateral("vectors")


def _distance() -> Any:
    """Return the negative inner product, by which the index is ordered."""
    query = cast(bindparam("embedding", type_=Text()), HALFVEC(DIMENSIONS))
    return SegmentEmbedding.vector.op("<#>", return_type=Float())(query)
