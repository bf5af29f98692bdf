"""The search index in OpenSearch, behind the port (``echoic.search.port``).

OpenSearch finds and ranks by words, and by meaning where its index holds embeddings; elsewhere PostgreSQL compares those.
PostgreSQL has the stems, the access, and what results show. No
connection to PostgreSQL is held while OpenSearch is asked, so one that hangs holds up nothing else.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.search import found_rows, lexical, semantic, vocabulary
from echoic.db.search.access import ReadableDataset, readable, still_readable
from echoic.db.search.conditions import parameters
from echoic.db.search.postgres import NOTHING, PostgresIndex
from echoic.db.search.prepare import prepare
from echoic.db.search.query_words import QueryWords
from echoic.db.search.shown_hits import load_hits
from echoic.db.search.similar_words import rare_words, similar_words
from echoic.db.search.stems import QueryStems, StemMemory
from echoic.db.search.tsquery import compile_query
from echoic.db.search.vocabulary import WordStatistics
from echoic.errors import SearchUnavailable
from echoic.opensearch.client import OpenSearchClient
from echoic.opensearch.filters import NamedFilters, conditions, named_filters
from echoic.opensearch.matches import SHOWN, match_of, routing
from echoic.opensearch.meaning import NearestVectors
from echoic.opensearch.names import Names
from echoic.opensearch.query import QueryClauses
from echoic.search.answer import Found
from echoic.search.hits import corrections
from echoic.search.language import Either, Node, Without, Word, exclusions, leaves, replace_words
from echoic.search.question import Filters, Order, Search
from echoic.search.ranking import FUSED, Matches, fuse, in_order
from echoic.search.similar import FEW_MATCHES

STATISTICS_SECONDS = 60.0
"""For so long the frequencies of words are taken to stay as they are."""
FEW_DATASETS = 20
"""In so few, or with filters, so few vectors may be found that PostgreSQL compares all of them."""


class OpenSearchIndex:
    """Answers searches by words from OpenSearch, the rest as ``PostgresIndex`` does."""

    def __init__(self, database: Database, client: OpenSearchClient, names: Names, *, fall_back: bool = False) -> None:
        """``fall_back`` has PostgreSQL answer while OpenSearch is away."""
        self._database = database
        self._client = client
        self._names = names
        self._postgres = PostgresIndex(database)
        self._nearest = NearestVectors(client, names)
        self._fall_back = fall_back
        self._memory = StemMemory()
        self._statistics: WordStatistics | None = None
        self._statistics_until = 0.0

    async def supports_semantic(self) -> bool:
        return await self._postgres.supports_semantic() or await self._nearest.held()

    async def compares_all(self, model: str) -> bool:
        return await self._postgres.compares_all(model)

    async def find(self, search: Search) -> Found:
        by_meaning_alone = search.search_type == "semantic"
        if by_meaning_alone and not await self._nearest.held():
            return await self._find_in_postgres(search)
        try:
            return await self._find(search)
        except SearchUnavailable as error:
            if not (self._fall_back or by_meaning_alone):
                raise SearchUnavailable from error  # What is wrong with settings is for those who can change them.
            return await self._find_in_postgres(search)

    async def _find_in_postgres(self, search: Search) -> Found:
        """Have PostgreSQL answer, by words alone where it cannot compare vectors. Raises SearchUnavailable."""
        if search.embedding is not None and not await self._postgres.supports_semantic():
            if search.search_type == "semantic":
                raise SearchUnavailable
            search = replace(search, search_type="text", embedding=None)
        return await self._postgres.find(search)

    async def _find(self, search: Search) -> Found:
        facts = await self._facts(search)
        tree, by_words, nearest = search.tree, None, None
        excluded = exclusions(search.tree)
        if search.search_type != "semantic":
            tree, by_words = await self._by_words(search, facts)
        embedding = search.embedding
        if embedding is not None and await self._nearest.held():
            clauses = facts.clauses()
            wanted = [
                *conditions(search.filters, facts.datasets, facts.named),
                *(clauses.matching(Without(part)) for part in excluded),
            ]
            nearest = await self._nearest.find(embedding, wanted, routing=routing(facts.datasets))
            embedding = None
        elif embedding is not None and not await self._postgres.supports_semantic():
            embedding = None
        async with self._database.transaction() as session:
            await prepare(session, search.account_id)
            if embedding is not None:
                few = len(facts.datasets) <= FEW_DATASETS or search.filters != Filters()
                nearest = await semantic.nearest(session, parameters(search), embedding, maybe_few=few)
                if excluded:
                    query = compile_query(Either(excluded), stems=facts.stems.known, statistics=facts.statistics)
                    nearest = await semantic.leave_out(session, nearest, query.tsquery)
            return await self._answer(session, search, _together(by_words, nearest, search.order), tree, facts)

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
        clauses = facts.clauses()
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
            **SHOWN,
        }
        found = await self._client.search(self._names.alias, body, routing=routing(facts.datasets))
        total = found["hits"]["total"]["value"]
        return Matches(
            matches=tuple(in_order([match_of(hit, score=hit["_score"]) for hit in found["hits"]["hits"]], order)),
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

    def clauses(self) -> QueryClauses:
        """Return a maker of the clauses of one query."""
        return QueryClauses(QueryWords(self.stems.known, self.statistics))


def _together(by_words: Matches | None, nearest: Matches | None, order: Order) -> Matches:
    """Return the one ranking there is, or both as one."""
    if nearest is None:
        return by_words or NOTHING
    if by_words is None:
        return replace(nearest, matches=tuple(in_order(nearest.matches, order)))
    return fuse(by_words, nearest, order)


def _sorted_by(order: Order) -> list[Mapping[str, str]]:
    first = "_score" if order.sort == "relevance" else "published_at"
    return [{first: "asc" if order.ascending else "desc"}, {"item_id": "desc"}, {"position": "asc"}]
