"""The search index in PostgreSQL, behind the port (``echoic.search.port``)."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.replica import Reads
from echoic.db.search import found_rows, lexical, semantic, vocabulary
from echoic.db.search.conditions import parameters
from echoic.db.search.lexemes import DATASET, ITEM, speaker_mark
from echoic.db.search.lexical import TextQuery
from echoic.db.search.outdated_embeddings import any_outdated
from echoic.db.search.prepare import Prepared, has_vectors, narrow, prepare
from echoic.db.search.shown_hits import load_hits
from echoic.db.search.similar_words import rare_words, similar_words
from echoic.db.search.stems import QueryStems, StemMemory
from echoic.db.search.tsquery import compile_query
from echoic.db.search.vocabulary import WordStatistics
from echoic.db.search.windows import Items
from echoic.db.transcripts.transcripts import labels_of
from echoic.search.answer import Found, Hit
from echoic.search.hits import corrections
from echoic.search.language import Either, Node, Word, exclusions, leaves, replace_words
from echoic.search.question import Filters, Order, Search
from echoic.search.ranking import FUSED, Match, Matches, fuse, in_order
from echoic.search.similar import FEW_MATCHES

STATISTICS_SECONDS = 60.0
"""For so long PostgreSQL's statistics of the index are taken to stay as they are."""
COMPLETE_SECONDS = 10.0
"""For so long all embeddings are taken to be of the model that made all of them."""

NOTHING = Matches(matches=(), total=0, exact=True)


class PostgresIndex:
    """Answers searches by the statements in ``echoic.db.search``."""

    def __init__(self, database: Database, reads: Reads | None = None) -> None:
        """Searches go to where ``reads`` lead them, else to the database."""
        self._database = database
        self._reads = reads or Reads(database)
        self._stems = StemMemory()
        self._statistics: WordStatistics | None = None
        self._statistics_until = 0.0
        self._has_vectors = False
        self._complete_model: str | None = None
        self._complete_until = 0.0

    async def supports_semantic(self) -> bool:
        # Vectors may come while we run, but do not go again.
        if not self._has_vectors:
            async with self._database.transaction() as session:
                self._has_vectors = await has_vectors(session)
        return self._has_vectors

    async def compares_all(self, model: str) -> bool:
        if model != self._complete_model or time.monotonic() > self._complete_until:
            async with self._database.transaction() as session:
                if await any_outdated(session, model=model):
                    return False
            self._complete_model, self._complete_until = model, time.monotonic() + COMPLETE_SECONDS
        return True

    async def find(self, search: Search) -> Found:
        return await self._reads.run(lambda database: self._find(database, search))

    async def _find(self, database: Database, search: Search) -> Found:
        async with database.transaction() as session:
            prepared = await prepare(session, search.account_id)
            run = _Run(session, search, prepared, self._stems)
            await run.narrow()
            await run.stem(leaf.text for leaf in leaves(search.tree, excluded=True) if isinstance(leaf, Word))
            run.statistics = await self._fresh_statistics(session)
            matches = await run.rank()
            hits = await run.load_hits(matches.matches[search.offset : search.offset + search.limit])
            counted = matches.exact and len(matches.matches) == matches.total
            facets = await found_rows.count_facets(session, matches.matches, exact=counted) if search.facets else None
        return Found(
            search_type=search.search_type or "text",
            hits=hits,
            total=matches.total,
            exact=matches.exact,
            corrections=corrections(run.tree, hits),
            facets=facets,
        )

    async def _fresh_statistics(self, session: AsyncSession) -> WordStatistics:
        if self._statistics is None or time.monotonic() > self._statistics_until:
            self._statistics = await vocabulary.word_statistics(session)
            self._statistics_until = time.monotonic() + STATISTICS_SECONDS
        return self._statistics


class _Run:
    """One search under way: what was found out for its statements, in the order in which they need it."""

    def __init__(self, session: AsyncSession, search: Search, prepared: Prepared, memory: StemMemory) -> None:
        self._session = session
        self._search = search
        self._prepared = prepared
        self._given: Mapping[str, Any] = parameters(search)
        self._narrowed: list[int] | Items | None = None
        self._stems = QueryStems(memory, prepared.dictionaries)
        self.statistics = WordStatistics(frequencies={}, entries=0.0)
        self.tree = search.tree
        """The query's, which may gain similar words."""

    async def narrow(self) -> None:
        """Look up the items that the filters let through."""
        self._narrowed = await narrow(self._session, self._search, self._given)

    async def stem(self, words: Iterable[str]) -> None:
        """Learn the stems of words in every dictionary of the index."""
        await self._stems.learn(self._session, words)

    async def rank(self) -> Matches:
        """Find the matches, in the order that is wanted; needs all that was learned before."""
        search = self._search
        by_words = NOTHING
        if search.search_type != "semantic":
            marks = await self._marks()
            if search.embedding is None:
                most = lexical.MAX_MATCHES
                limit = most if search.facets else min(search.offset + search.limit, most)
                return await self._by_words(marks, search.order, limit)
            by_words = await self._by_words(marks, Order(), FUSED)
        if search.embedding is None:
            raise ValueError("a semantic search needs the embedding of its query")
        maybe_few = self._prepared.datasets is not None or search.filters != Filters()
        nearest = await semantic.nearest(self._session, self._given, search.embedding, maybe_few=maybe_few)
        if excluded := exclusions(search.tree):
            nearest = await semantic.leave_out(self._session, nearest, self._compiled(Either(excluded)).tsquery)
        if search.search_type == "semantic":
            return replace(nearest, matches=tuple(in_order(nearest.matches, search.order)))
        return fuse(by_words, nearest, search.order)

    async def load_hits(self, page: Sequence[Match]) -> tuple[Hit, ...]:
        """Load what a page of matches shows. Matches that are gone meanwhile are left out."""
        return await load_hits(self._session, self._search, page, self.tree, self._stems)

    async def _marks(self) -> list[list[str]]:
        """Make the marks that narrow the search: of few items, else of few datasets, and of the speakers asked for."""
        marks = []
        if isinstance(self._narrowed, list):
            marks.append([f"{ITEM}{number}" for number in self._narrowed])
        elif self._prepared.datasets is not None:
            marks.append([f"{DATASET}{number}" for number in self._prepared.datasets])
        named = self._search.filters.speakers
        if named is not None:
            # Entries are marked with labels; the speakers they belong to are known elsewhere.
            labels = await labels_of(self._session, named)
            marks.append([speaker_mark(name) for name in (*named, *labels)])
        return marks

    async def _by_words(self, marks: Sequence[Sequence[str]], order: Order, limit: int) -> Matches:
        """Find matches; where they are few, also those of words within one edit, which are added to the tree."""
        if self.tree is None or not self._prepared.dictionaries:
            return NOTHING
        matches = await self._matches(self.tree, marks, order, limit)
        if matches.total >= FEW_MATCHES or not self._search.similar:
            return matches
        similar = await self._similar_words(self.tree)
        if not similar:
            return matches
        self.tree = replace_words(self.tree, similar)
        return await self._matches(self.tree, marks, order, limit)

    async def _matches(self, tree: Node, marks: Sequence[Sequence[str]], order: Order, limit: int) -> Matches:
        query = self._compiled(tree, marks)
        if isinstance(self._narrowed, list):
            # Few items hold few matches, and are looked up by their own marks.
            query = replace(query, expected=0.0)
        return await lexical.by_words(self._session, self._given, query, self._range(), order=order, limit=limit)

    def _compiled(self, tree: Node, marks: Sequence[Sequence[str]] = ()) -> TextQuery:
        return compile_query(
            tree,
            stems=self._stems.known,
            statistics=self.statistics,
            with_older=self._prepared.with_older,
            marks=marks,
        )

    def _range(self) -> lexical.Range:
        """Return the range of items in which something may be found."""
        all_items, items = self._prepared.items, self._prepared.items
        if isinstance(self._narrowed, Items):
            items = Items(max(items.first, self._narrowed.first), min(items.last, self._narrowed.last))
        return lexical.Range(items=items, in_blocks=self._prepared.in_blocks, part=items.size / all_items.size)

    async def _similar_words(self, tree: Node) -> dict[str, tuple[str, ...]]:
        rare = rare_words(tree, self._stems.known, self.statistics)
        similar = await similar_words(self._session, rare, self._prepared.dictionaries)
        await self.stem(other for others in similar.values() for other in others)
        return similar
