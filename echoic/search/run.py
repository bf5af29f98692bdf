"""Carries out a search: decides how, has the query's meaning computed, and asks the index."""

import asyncio
import time

from echoic.access import Caller
from echoic.db import search as index
from echoic.db.connect import Database
from echoic.db.search import Meaning
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.errors import QueryInvalid, SemanticSearchUnavailable, StageFailed
from echoic.search.request import MAX_QUERY_CHARACTERS, SearchRequest, SearchResult, SearchType


async def search(
    request: SearchRequest, *, caller: Caller, database: Database, encoder: EngineLease[TextEncoder]
) -> SearchResult:
    """Find segments the caller may read.

    Raises:
        QueryInvalid: the query is blank or too long.
        SemanticSearchUnavailable: search by meaning was asked for and is not possible here.
    """
    started = time.perf_counter()
    query = _checked(request.query)
    search_type, meaning = await _decide(request.search_type, query, database, encoder)
    async with database.transaction() as session:
        found = await index.find(
            session,
            account_id=caller.account_id,
            query=query,
            words=search_type != "semantic",
            meaning=meaning,
            filters=request.filters,
            page=request.page,
            highlight=request.highlight,
        )
    return SearchResult(
        search_type=search_type, hits=found.hits, total=found.total, took_seconds=time.perf_counter() - started
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
    wanted: SearchType | None, query: str, database: Database, encoder: EngineLease[TextEncoder]
) -> tuple[SearchType, Meaning | None]:
    if wanted == "text":
        return "text", None
    try:
        return wanted or "hybrid", await _meaning(query, database, encoder)
    except SemanticSearchUnavailable:
        if wanted is None:
            return "text", None
        raise


async def _meaning(query: str, database: Database, encoder: EngineLease[TextEncoder]) -> Meaning:
    """The query as a vector. No transaction is open meanwhile: the first use loads the model."""
    async with database.transaction() as session:
        if not await index.has_vectors(session):
            raise SemanticSearchUnavailable

    def encode() -> list[float]:
        with encoder.use() as engine:
            return [float(number) for number in engine.encode([query], "query")[0]]

    try:
        vector = await asyncio.to_thread(encode)
    except StageFailed as error:
        raise SemanticSearchUnavailable(f"Search by meaning is not available: {error.message}") from error
    return Meaning(model=encoder.id.label, vector=vector)
