"""The search index in PostgreSQL, behind the port."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.search import hits, index_write, lexical, semantic, start as sql
from echoic.db.search.lexemes import DATASET, ITEM, speaker_mark
from echoic.db.search.scope import Filters, Scope
from echoic.db.search.semantic import Meaning
from echoic.db.search.start import Match, Matches, Order, Prepared, WordStatistics
from echoic.db.transcripts.transcripts import labels_of
from echoic.search.fusion import FUSED, fuse
from echoic.search.language import Node, Word, leaves, replace_words
from echoic.search.page import Page, load_page
from echoic.search.port import FacetCount, Facets, Found, Wanted
from echoic.search.stems import StemMemory
from echoic.search.tsquery import Index, compile_query
from echoic.text.edits import deletion_forms, one_edit_apart

HARDLY_FOUND = 5
"""A query with fewer matches than this is tried again with words that are like its own."""
MAX_LIKE_WORDS = 5
"""For one word so many others are tried."""
STATISTICS_SECONDS = 60.0
"""For so long PostgreSQL's statistics of the index are taken to stay as they are."""

SIMILARITY_FLOOR = 0.2
"""Cosine below which a segment is not about the query; see docs/search.md for how it was chosen."""


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """What was found, in no matter which order, and how the words were found."""

    matches: Sequence[Match]
    total: int
    exact: bool
    query: Node | None
    index: Index


class PostgresIndex:
    """Answers searches by the statements in ``echoic.db.search``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stems = StemMemory()
        self._statistics: WordStatistics | None = None
        self._statistics_until = 0.0
        self._has_vectors = False

    async def compares_meaning(self) -> bool:
        # They may come while we run, but do not go again.
        if not self._has_vectors:
            async with self._database.transaction() as session:
                self._has_vectors = await sql.has_vectors(session)
        return self._has_vectors

    async def find(self, wanted: Wanted) -> Found:
        async with self._database.transaction() as session:
            ranked = await self._rank(session, wanted)
            page = Page(
                matches=ranked.matches[wanted.offset : wanted.offset + wanted.limit],
                query=ranked.query,
                query_stems=ranked.index.stems,
                dictionaries=ranked.index.dictionaries,
                highlight=wanted.highlight,
                context_segments=wanted.context_segments,
            )
            shown = await load_page(session, page, self._stems)
            facets = await _facets(session, ranked) if wanted.facets else None
        return Found(
            hits=shown.hits, total=ranked.total, exact=ranked.exact, corrections=shown.corrections, facets=facets
        )

    async def _rank(self, session: AsyncSession, wanted: Wanted) -> _Ranked:
        scope = Scope(account_id=wanted.account_id, filters=wanted.filters)
        prepared = await sql.prepare(session, wanted.account_id)
        scope, items = await sql.narrowed(session, scope)
        index = await self._index(session, wanted.query, prepared)
        query = wanted.query
        rankings: list[Matches] = []
        most = lexical.MAX_MATCHES
        limit = most if wanted.facets else min(wanted.offset + wanted.limit, most)
        if wanted.by_words:
            # Entries are marked with labels; whose they are is known elsewhere.
            named = wanted.filters.speakers
            speakers = None if named is None else [*named, *await labels_of(session, named)]
            search = _ByWords(session, scope, index, self._stems, _marks(items, prepared.datasets, speakers))
            if wanted.meaning is None:
                query, matches = await search.run(query, wanted.order, limit)
                return _Ranked(
                    matches=matches.matches, total=matches.total, exact=matches.exact, query=query, index=search.index
                )
            query, matches = await search.run(query, Order(), FUSED)
            index = search.index
            rankings.append(matches)
        if wanted.meaning is not None:
            meaning = Meaning(model=wanted.meaning.model, vector=wanted.meaning.vector, floor=SIMILARITY_FLOOR)
            maybe_few = prepared.datasets is not None or wanted.filters != Filters()
            rankings.append(await semantic.by_meaning(session, scope, meaning, maybe_few=maybe_few))
        found = fuse(*(ranking.matches for ranking in rankings)) if wanted.by_words else rankings[0].matches
        return _Ranked(
            matches=sql.in_order(found, wanted.order),
            total=len(found),
            exact=all(ranking.exact and ranking.total <= len(ranking.matches) for ranking in rankings),
            query=query,
            index=index,
        )

    async def _index(self, session: AsyncSession, query: Node | None, prepared: Prepared) -> Index:
        spoken = [leaf.text for leaf in leaves(query, excluded=True) if isinstance(leaf, Word)]
        return Index(
            dictionaries=prepared.dictionaries,
            stems=await self._stems.in_all(session, prepared.dictionaries, spoken),
            statistics=await self._fresh_statistics(session),
            with_older=prepared.with_older,
        )

    async def _fresh_statistics(self, session: AsyncSession) -> WordStatistics:
        if self._statistics is None or time.monotonic() > self._statistics_until:
            self._statistics = await sql.word_statistics(session)
            self._statistics_until = time.monotonic() + STATISTICS_SECONDS
        return self._statistics


class _ByWords:
    """One search by words; with words like those of the query where these are hardly found."""

    def __init__(
        self,
        session: AsyncSession,
        scope: Scope,
        index: Index,
        stems: StemMemory,
        marks: Sequence[Sequence[str]],
    ) -> None:
        self._session = session
        self._stems = stems
        self._scope = scope
        self._marks = marks
        self.index = index

    async def run(self, query: Node | None, order: Order, limit: int) -> tuple[Node | None, Matches]:
        """The matches, and the query as it was finally made."""
        if query is None or not self.index.dictionaries:
            return query, Matches(matches=(), total=0, exact=True)
        matches = await self._search(query, order, limit)
        if matches.total >= HARDLY_FOUND:
            return query, matches
        like = await self._words_like(query)
        if not like:
            return query, matches
        query = replace_words(query, like)
        return query, await self._search(query, order, limit)

    async def _search(self, query: Node, order: Order, limit: int) -> Matches:
        wanted = compile_query(query, self.index, marks=self._marks)
        return await lexical.by_words(self._session, self._scope, wanted, order, limit=limit)

    async def _words_like(self, query: Node) -> dict[str, tuple[str, ...]]:
        """Of each word that is not common: the indexed words one edit apart."""
        rare = {leaf.text for leaf in leaves(query) if isinstance(leaf, Word) and self._is_rare(leaf.text)}
        if not rare:
            return {}
        forms: set[str] = set().union(*map(deletion_forms, rare))
        known = await sql.words_like(self._session, forms)
        like = {
            word: tuple(sorted(other for other in known if one_edit_apart(word, other))[:MAX_LIKE_WORDS])
            for word in rare
        }
        stems = await self._stems.in_all(self._session, self.index.dictionaries, _all(like.values()))
        self.index = replace(self.index, stems={**self.index.stems, **stems})
        return {word: others for word, others in like.items() if others}

    def _is_rare(self, word: str) -> bool:
        stems = self.index.stems[word]
        return len(word) >= index_write.MIN_SLIP_CHARACTERS and all(
            stem is not None and self.index.statistics.of(f"~{stem}") is None for stem in stems
        )


def _marks(
    items: Sequence[int] | None, datasets: Sequence[int] | None, speakers: Sequence[str] | None
) -> list[list[str]]:
    """What the entries of few items, else of few datasets, and those of the speakers asked for are marked with."""
    marks = []
    if items is not None:
        marks.append([f"{ITEM}{number}" for number in items])
    elif datasets is not None:
        marks.append([f"{DATASET}{number}" for number in datasets])
    if speakers is not None:
        marks.append([speaker_mark(name) for name in speakers])
    return marks


def _all(groups: Iterable[Sequence[str]]) -> list[str]:
    return [word for group in groups for word in group]


async def _facets(session: AsyncSession, ranked: _Ranked) -> Facets:
    counts = await hits.count_results(
        session,
        segment_ids=[match.segment_id for match in ranked.matches if match.segment_id is not None],
        items_alone=[match.item_id for match in ranked.matches if match.segment_id is None],
    )

    def shown(counted: Sequence[hits.Counted]) -> tuple[FacetCount, ...]:
        return tuple(FacetCount(value=one.value, label=one.label, count=one.count) for one in counted)

    return Facets(
        speakers=shown(counts.speakers),
        datasets=shown(counts.datasets),
        entities=shown(counts.entities),
        months=shown(counts.months),
        exact=ranked.exact and len(ranked.matches) == ranked.total,
    )
