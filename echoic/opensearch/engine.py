"""The search index in OpenSearch, behind the port (``echoic.search.port``).

OpenSearch finds and ranks by words. PostgreSQL has the stems, the access, the embeddings, and what results show. No
connection to PostgreSQL is held while OpenSearch is asked, so one that hangs holds up nothing else.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.search import found_rows, lexical, semantic, vocabulary
from echoic.db.search.access import ReadableDataset, readable, still_readable
from echoic.db.search.conditions import parameters
from echoic.db.search.postgres import NOTHING, PostgresIndex
from echoic.db.search.prepare import narrow, prepare
from echoic.db.search.query_words import QueryWords
from echoic.db.search.shown_hits import load_hits
from echoic.db.search.similar_words import rare_words, similar_words
from echoic.db.search.stems import QueryStems, StemMemory
from echoic.db.search.vocabulary import WordStatistics
from echoic.errors import SearchUnavailable
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.documents import moment_of
from echoic.opensearch.filters import NamedFilters, conditions, named_filters
from echoic.opensearch.names import Names
from echoic.opensearch.query import QueryClauses
from echoic.search.answer import Found
from echoic.search.hits import corrections
from echoic.search.language import Node, Word, leaves, replace_words
from echoic.search.question import Filters, Order, Search
from echoic.search.ranking import FUSED, Match, Matches, fuse, in_order
from echoic.search.similar import FEW_MATCHES

STATISTICS_SECONDS = 60.0
"""For so long the frequencies of words are taken to stay as they are."""
MAX_ROUTED_LIBRARIES = 20
"""Where the account may read so many libraries at most, only the shards that hold these are asked."""
FIELDS = ("item_id", "segment_id", "position", "published_at")


class OpenSearchIndex:
    """Answers searches by words from OpenSearch, the rest as ``PostgresIndex`` does."""

    def __init__(self, database: Database, client: OpenSearchClient, names: Names, *, fall_back: bool = False) -> None:
        """``fall_back`` has PostgreSQL answer while OpenSearch is away."""
        self._database = database
        self._client = client
        self._names = names
        self._postgres = PostgresIndex(database)
        self._fall_back = fall_back
        self._memory = StemMemory()
        self._statistics: WordStatistics | None = None
        self._statistics_until = 0.0

    async def supports_semantic(self) -> bool:
        return await self._postgres.supports_semantic()

    async def compares_all(self, model: str) -> bool:
        return await self._postgres.compares_all(model)

    async def find(self, search: Search) -> Found:
        if search.search_type == "semantic":
            return await self._postgres.find(search)
        try:
            return await self._find(search)
        except SearchUnavailable:
            if not self._fall_back:
                raise
            return await self._postgres.find(search)

    async def _find(self, search: Search) -> Found:
        facts = await self._facts(search)
        tree, by_words = await self._by_words(search, facts)
        async with self._database.transaction() as session:
            await prepare(session, search.account_id)
            matches = by_words
            if search.embedding is not None:
                few = len(facts.datasets) <= MAX_ROUTED_LIBRARIES or search.filters != Filters()
                given, _ = await narrow(session, search, parameters(search))
                nearest = await semantic.nearest(session, given, search.embedding, maybe_few=few)
                matches = fuse(by_words, nearest, search.order)
            return await self._answer(session, search, matches, tree, facts)

    async def _answer(
        self, session: AsyncSession, search: Search, matches: Matches, tree: Node | None, facts: "_Facts"
    ) -> Found:
        page = matches.matches[search.offset : search.offset + search.limit]
        shown = matches.matches if search.facets else page
        # OpenSearch may be two seconds behind: what was taken away meanwhile is neither shown nor counted.
        allowed = await still_readable(session, search.account_id, {match.item_id for match in shown})
        hits = await load_hits(session, search, [one for one in page if one.item_id in allowed], tree, facts.stems)
        counted = [match for match in shown if match.item_id in allowed]
        exact = matches.exact and len(matches.matches) == matches.total
        return Found(
            search_type=search.search_type or "text",
            hits=hits,
            total=matches.total,
            exact=matches.exact,
            corrections=corrections(tree, hits),
            facets=await found_rows.count_facets(session, counted, exact=exact) if search.facets else None,
        )

    async def _facts(self, search: Search) -> "_Facts":
        """Learn from PostgreSQL what the query and the account need."""
        async with self._database.transaction() as session:
            prepared = await prepare(session, search.account_id)
            stems = QueryStems(self._memory, prepared.dictionaries)
            spoken = (leaf.text for leaf in leaves(search.tree, excluded=True) if isinstance(leaf, Word))
            await stems.learn(session, spoken)
            return _Facts(
                stems=stems,
                statistics=await self._fresh_statistics(session),
                datasets=await readable(session, search),
                named=await named_filters(session, search.filters),
            )

    async def _fresh_statistics(self, session: AsyncSession) -> WordStatistics:
        if self._statistics is None or time.monotonic() > self._statistics_until:
            self._statistics = await vocabulary.word_statistics(session)
            self._statistics_until = time.monotonic() + STATISTICS_SECONDS
        return self._statistics

    async def _by_words(self, search: Search, facts: "_Facts") -> tuple[Node | None, Matches]:
        """Return the matches, and the query's tree, which gains similar words where they are few."""
        tree = search.tree
        if tree is None or not facts.stems.dictionaries or not facts.datasets:
            return tree, NOTHING
        if search.embedding is None:
            order, limit = search.order, search.offset + search.limit
            limit = lexical.MAX_MATCHES if search.facets else min(limit, lexical.MAX_MATCHES)
        else:
            order, limit = Order(), FUSED
        matches = await self._matches(search, tree, facts, order, limit=limit)
        if matches.total >= FEW_MATCHES or not search.similar:
            return tree, matches
        rare = rare_words(tree, facts.stems.known, facts.statistics)
        async with self._database.transaction() as session:
            similar = await similar_words(session, rare, facts.stems.dictionaries)
            await facts.stems.learn(session, (other for others in similar.values() for other in others))
        if not similar:
            return tree, matches
        tree = replace_words(tree, similar)
        return tree, await self._matches(search, tree, facts, order, limit=limit)

    async def _matches(self, search: Search, tree: Node, facts: "_Facts", order: Order, *, limit: int) -> Matches:
        clauses = QueryClauses(QueryWords(facts.stems.known, facts.statistics))
        query = {
            "bool": {
                "filter": [clauses.matching(tree), *conditions(search.filters, facts.datasets, facts.named)],
                "should": clauses.scoring(tree),
            }
        }
        body = {
            "query": query,
            "sort": _sorted_by(order),
            "track_scores": True,
            "track_total_hits": lexical.MAX_MATCHES + 1,
            "size": limit,
            "docvalue_fields": list(FIELDS),
            "_source": False,
        }
        found = await self._client.search(self._names.alias, body, routing=_routing(facts.datasets))
        total = found["hits"]["total"]["value"]
        return Matches(
            matches=tuple(in_order([_match(hit) for hit in found["hits"]["hits"]], order)),
            total=min(total, lexical.MAX_MATCHES),
            exact=total <= lexical.MAX_MATCHES,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """The facts that PostgreSQL has of a query and of the account that asks."""

    stems: QueryStems
    statistics: WordStatistics
    datasets: Sequence[ReadableDataset]
    named: NamedFilters


def _routing(datasets: Sequence[ReadableDataset]) -> str | None:
    libraries = sorted({dataset.library_id for dataset in datasets})
    return ",".join(map(str, libraries)) if len(libraries) <= MAX_ROUTED_LIBRARIES else None


def _sorted_by(order: Order) -> list[Mapping[str, str]]:
    first = "_score" if order.sort == "relevance" else "published_at"
    return [{first: "asc" if order.ascending else "desc"}, {"item_id": "desc"}, {"position": "asc"}]


def _match(hit: Mapping[str, Any]) -> Match:
    fields = hit["fields"]
    return Match(
        item_id=fields["item_id"][0],
        segment_id=fields.get("segment_id", [None])[0],
        position=fields["position"][0],
        score=hit["_score"],
        published_at=moment_of(fields["published_at"][0]),
    )
