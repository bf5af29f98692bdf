"""Carries out a search: reads the query, has its embedding computed where that is wanted, and asks the index."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Literal, Protocol

from echoic.errors import QueryInvalid, SemanticSearchUnavailable, StageFailed
from echoic.records import Embeddings, EngineId
from echoic.search.answer import Found
from echoic.search.language import Node, leaves, parse, wanted_words
from echoic.search.port import SearchIndex
from echoic.search.question import MAX_QUERY_CHARACTERS, QueryEmbedding, Search, SearchType
from echoic.text.visible import is_visible


class Encoder(Protocol):
    """The part of a text encoder that queries need."""

    @property
    def similarity_floor(self) -> float:
        """The cosine below which a passage has nothing to do with a query."""
        ...

    def encode(self, texts: Sequence[str], kind: Literal["query"]) -> Embeddings:
        """Return one embedding a text, shape (len(texts), dimensions)."""
        ...


class EncoderLease(Protocol):
    """The lease of a text encoder, as ``echoic.engines`` has it."""

    @property
    def id(self) -> EngineId: ...

    def use(self) -> AbstractContextManager[Encoder]:
        """Yield the encoder, loading it where needed; raises StageFailed where that is not possible."""
        ...


async def search(wanted: Search, *, index: SearchIndex, encoder: EncoderLease) -> Found:
    """Find segments, titles and descriptions that the account may read.

    Raises:
        QueryInvalid: the query is blank, too long, without a word, or cannot be understood.
        SemanticSearchUnavailable: semantic search was asked for and is not possible here.
    """
    started = time.perf_counter()
    query, tree = read_query(wanted.query)
    excludes = [*leaves(tree, excluded=True)] != [*leaves(tree)]
    # An embedding knows no "not": what is excluded would be what is found.
    meaning = wanted.meaning or (wanted_words(tree) if excludes else query)
    search_type, embedding = await _decide(wanted.search_type, meaning, index, encoder)
    compares_all = embedding is None or await index.compares_all(embedding.model)
    if search_type == "semantic" and not compares_all:
        # What cannot be compared yet is at least found by its words.
        search_type = "hybrid"
    found = await index.find(replace(wanted, search_type=search_type, tree=tree, embedding=embedding))
    return replace(found, took_seconds=time.perf_counter() - started, compared_all=compares_all)


def read_query(text: str) -> tuple[str, Node]:
    """Return a query as it is searched for, and its tree. Raises QueryInvalid."""
    query = _checked(text)
    tree = parse(query)
    if tree is None or not is_visible(query):
        raise QueryInvalid("The search query holds no word: give at least one letter or digit.")
    return query, tree


def _checked(query: str) -> str:
    # PostgreSQL's texts cannot hold the character, and no word does.
    query = query.replace("\0", " ").strip()
    if not query:
        raise QueryInvalid("The search query is empty.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryInvalid(f"The search query has {len(query)} characters; at most {MAX_QUERY_CHARACTERS} are allowed.")
    return query


async def _decide(
    wanted: SearchType | None, query: str, index: SearchIndex, encoder: EncoderLease
) -> tuple[SearchType, QueryEmbedding | None]:
    if wanted == "text":
        return "text", None
    try:
        return wanted or "hybrid", await _embedding(query, index, encoder)
    except SemanticSearchUnavailable:
        if wanted is None:
            return "text", None
        raise


async def _embedding(query: str, index: SearchIndex, encoder: EncoderLease) -> QueryEmbedding:
    """Compute the query's embedding. No transaction is open meanwhile: the first use loads the model."""
    if not await index.supports_semantic():
        raise SemanticSearchUnavailable

    def encode() -> tuple[list[float], float]:
        with encoder.use() as engine:
            return [float(number) for number in engine.encode([query], "query")[0]], engine.similarity_floor

    try:
        vector, floor = await asyncio.to_thread(encode)
    except StageFailed as error:
        raise SemanticSearchUnavailable(f"Search by meaning is not available: {error.message}") from error
    return QueryEmbedding(model=encoder.id.label, vector=vector, floor=floor)
