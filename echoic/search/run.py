"""Carries out a search: reads the query, has its meaning computed where that is wanted, and asks the index."""

import asyncio
import time

from echoic.access import Caller
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.errors import QueryInvalid, SemanticSearchUnavailable, StageFailed
from echoic.search.language import parse
from echoic.search.port import QueryMeaning, SearchIndex, Wanted
from echoic.search.request import CONTEXT_SEGMENTS, MAX_QUERY_CHARACTERS, SearchRequest, SearchResult, SearchType


async def search(
    request: SearchRequest, *, caller: Caller, index: SearchIndex, encoder: EngineLease[TextEncoder]
) -> SearchResult:
    """Find segments the caller may read.

    Raises:
        QueryInvalid: the query is blank, too long, or cannot be understood.
        SemanticSearchUnavailable: search by meaning was asked for and is not possible here.
    """
    started = time.perf_counter()
    query = _checked(request.query)
    tree = parse(query)
    search_type, meaning = await _decide(request.search_type, query, index, encoder)
    found = await index.find(
        Wanted(
            account_id=caller.account_id,
            query=tree,
            by_words=search_type != "semantic",
            meaning=meaning,
            filters=request.filters,
            order=request.order,
            limit=request.limit,
            offset=request.offset,
            highlight=request.highlight,
            context_segments=CONTEXT_SEGMENTS if request.context else 0,
            facets=request.facets,
        )
    )
    return SearchResult(
        search_type=search_type,
        hits=found.hits,
        total=found.total,
        exact=found.exact,
        corrections=found.corrections,
        facets=found.facets,
        took_seconds=time.perf_counter() - started,
    )


def _checked(query: str) -> str:
    # PostgreSQL's texts cannot hold the character, and no word does.
    query = query.replace("\0", " ").strip()
    if not query:
        raise QueryInvalid("The search query is empty.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryInvalid(f"The search query has {len(query)} characters; at most {MAX_QUERY_CHARACTERS} are allowed.")
    return query


async def _decide(
    wanted: SearchType | None, query: str, index: SearchIndex, encoder: EngineLease[TextEncoder]
) -> tuple[SearchType, QueryMeaning | None]:
    if wanted == "text":
        return "text", None
    try:
        return wanted or "hybrid", await _meaning(query, index, encoder)
    except SemanticSearchUnavailable:
        if wanted is None:
            return "text", None
        raise


async def _meaning(query: str, index: SearchIndex, encoder: EngineLease[TextEncoder]) -> QueryMeaning:
    """The query as a vector. No transaction is open meanwhile: the first use loads the model."""
    if not await index.compares_meaning():
        raise SemanticSearchUnavailable

    def encode() -> list[float]:
        with encoder.use() as engine:
            return [float(number) for number in engine.encode([query], "query")[0]]

    try:
        vector = await asyncio.to_thread(encode)
    except StageFailed as error:
        raise SemanticSearchUnavailable(f"Search by meaning is not available: {error.message}") from error
    return QueryMeaning(model=encoder.id.label, vector=vector)
