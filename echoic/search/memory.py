"""A search index in memory, behind the port: every answer is exact, every search reads the whole index.

It shows what an engine other than PostgreSQL has to do, and passes the same contract. Stems and access are another's
matter: both are asked for at every search.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC
from itertools import islice

import numpy as np

from echoic.search.answer import MAX_FACET_VALUES, FacetCount, Facets, Found, Hit
from echoic.search.highlight import Highlighter, Stems
from echoic.search.hits import HitMaker, Segments, corrections, shown_words
from echoic.search.language import Node, Phrase, Word, exclusions, leaves, replace_words
from echoic.search.memory_entries import (
    Entry,
    IndexedItem,
    WordStems,
    counted_leaves,
    entries_of,
    is_stop_word,
    matches,
    passes,
    stem_occurrences,
)
from echoic.search.question import Order, QueryEmbedding, Search
from echoic.search.ranking import FUSED, MAX_NEAREST, Match, Matches, fuse, in_order
from echoic.search.similar import (
    COMPOUNDING,
    FEW_MATCHES,
    MAX_CHARACTERS,
    MIN_CHARACTERS,
    SIMILAR_WEIGHT,
    holding,
    similar_to,
)

Stemmer = Callable[[str | None, Collection[str]], Awaitable[Stems]]
"""Gives the stems of words in a language."""
Access = Callable[[int], Awaitable[Collection[int]]]
"""Gives the datasets that an account may read at this moment."""

MOST_COMMON, RAREST = 0.9, 1e-6
"""Frequencies of words are taken to lie between."""


class MemoryIndex:
    """Answers searches from the items that were put into it."""

    def __init__(self, *, stemmer: Stemmer, access: Access) -> None:
        self._stemmer = stemmer
        self._access = access
        self._items: dict[int, IndexedItem] = {}
        self._entries: dict[int, list[Entry]] = {}

    async def put(self, item: IndexedItem) -> None:
        """Add a published item, or replace its entries."""
        entries = entries_of(item)
        stems = await self._stemmer(item.shown.language, {word for entry in entries for word in entry.words})
        for entry in entries:
            entry.add_stems(stems)
        self._items[item.shown.id] = item
        self._entries[item.shown.id] = entries

    def remove(self, item_id: int) -> None:
        """Remove an item that is gone or no longer published."""
        self._items.pop(item_id, None)
        self._entries.pop(item_id, None)

    async def supports_semantic(self) -> bool:
        return True

    async def compares_all(self, model: str) -> bool:
        segments = (entry.segment for entries in self._entries.values() for entry in entries if entry.segment)
        return all(segment.model in {None, model} for segment in segments)

    async def find(self, search: Search) -> Found:
        readable = await self._access(search.account_id)
        allowed = [
            entry
            for entries in self._entries.values()
            for entry in entries
            if entry.item.shown.dataset_id in readable and passes(search.filters, entry)
        ]
        tree, stems = search.tree, await self._stems_of(search.tree)
        by_words = self._rank(tree, allowed, stems)
        few = search.search_type != "semantic" and by_words.total < FEW_MATCHES
        if few and search.similar and tree is not None:
            tree = replace_words(tree, self._similar_words(tree, stems))
            stems = await self._stems_of(tree)
            by_words = self._rank(tree, allowed, stems)
        excluded = exclusions(tree)
        near = [entry for entry in allowed if not any(matches(part, entry, stems) for part in excluded)]
        ranked = _choose(search, by_words, near)
        page = ranked.matches[search.offset : search.offset + search.limit]
        hits = await self._hits(search, page, tree, stems)
        return Found(
            search_type=search.search_type or "text",
            hits=hits,
            total=ranked.total,
            exact=ranked.exact,
            corrections=corrections(tree, hits),
            facets=self._facets(ranked) if search.facets else None,
        )

    async def _stems_of(self, tree: Node | None) -> WordStems:
        """Look the words of a query up in every language of the index."""
        spoken = {
            word for leaf in leaves(tree, excluded=True) if isinstance(leaf, Word) for word in (leaf.text, *leaf.like)
        }
        stems = [await self._stemmer(language, spoken) for language in self._languages()]
        return {word: [known[word] for known in stems] for word in spoken}

    def _languages(self) -> list[str | None]:
        """Return the languages of the index, in a fixed order."""
        return list(dict.fromkeys(item.shown.language for item in self._items.values()))

    def _similar_words(self, tree: Node, stems: WordStems) -> dict[str, tuple[str, ...]]:
        indexed = {word for entries in self._entries.values() for entry in entries for word in entry.words}
        words_alone = {word for word in indexed if word.isalpha()}
        known = {word for word in words_alone if MIN_CHARACTERS <= len(word) <= MAX_CHARACTERS}
        wanted = {leaf.text for leaf in leaves(tree) if isinstance(leaf, Word) and not is_stop_word(leaf.text, stems)}
        compounds = words_alone if not COMPOUNDING.isdisjoint(map(str, self._languages())) else set()
        similar = {
            word: tuple(dict.fromkeys((*similar_to(word, known), *holding(word, compounds))))
            for word in wanted
            if len(word) >= MIN_CHARACTERS
        }
        return {word: others for word, others in similar.items() if others}

    def _rank(self, tree: Node | None, allowed: Iterable[Entry], stems: WordStems) -> Matches:
        """Find the entries that match, the best first."""
        if tree is None:
            return _ranked([], Order())
        counted = counted_leaves(tree, stems)
        weights = {leaf: self._weight(leaf, stems) for leaf in counted}
        found = [entry for entry in allowed if matches(tree, entry, stems)]
        scored = [_match(entry, sum(weights[leaf] * _value(leaf, entry, stems) for leaf in counted)) for entry in found]
        return _ranked(scored, Order())

    def _weight(self, leaf: Word | Phrase, stems: WordStems) -> float:
        """Return the logarithm of one over the frequency of the entries that match."""
        entries = [entry for entries in self._entries.values() for entry in entries]
        frequency = sum(matches(leaf, entry, stems) for entry in entries) / max(1, len(entries))
        return -math.log(min(MOST_COMMON, max(frequency, RAREST)))

    async def _hits(
        self, search: Search, page: Sequence[Match], tree: Node | None, stems: WordStems
    ) -> tuple[Hit, ...]:
        items = {match.item_id: self._items[match.item_id].shown for match in page}
        segments: Segments = {
            (found.transcript_id, segment.position): segment.said
            for number, found in items.items()
            for segment in self._items[number].segments
        }
        shown: dict[int, set[str]] = {}
        for match in page if search.highlight else ():
            shown.setdefault(match.item_id, set()).update(shown_words(match, items[match.item_id], segments))
        stems_shown = {number: await self._stemmer(items[number].language, spoken) for number, spoken in shown.items()}
        return HitMaker(search, Highlighter.of(tree, stems), items, segments, stems_shown).make(page)

    def _facets(self, ranked: Matches) -> Facets:
        speakers: Counter[tuple[str, str]] = Counter()
        datasets: Counter[tuple[str, str]] = Counter()
        entities: Counter[tuple[str, str]] = Counter()
        libraries: Counter[tuple[str, str]] = Counter()
        languages: Counter[tuple[str, str]] = Counter()
        months: Counter[tuple[str, str]] = Counter()
        for match in ranked.matches:
            item = self._items[match.item_id]
            datasets[str(item.shown.dataset_id), item.shown.dataset_name] += 1
            libraries[item.shown.library_slug, item.shown.library_slug] += 1
            if item.shown.language is not None:
                languages[item.shown.language, item.shown.language] += 1
            if item.shown.published_at is not None:
                month = f"{item.shown.published_at.astimezone(UTC):%Y-%m}"
                months[month, month] += 1
            for segment in item.segments:
                if segment.id == match.segment_id:
                    if segment.said.speaker is not None:
                        speakers[segment.said.speaker, segment.said.speaker] += 1
                    entities.update({(kind, name) for _, kind, name in segment.entities})
        return Facets(
            speakers=_most(sorted(speakers.items())),
            datasets=_most(sorted(datasets.items(), key=lambda one: int(one[0][0]))),
            entities=_most(sorted(entities.items(), key=lambda one: one[0][1])),
            libraries=_most(sorted(libraries.items())),
            languages=_most(sorted(languages.items())),
            months=_most(sorted(months.items(), reverse=True)),
            exact=ranked.exact and len(ranked.matches) == ranked.total,
        )


def _choose(search: Search, by_words: Matches, allowed: Iterable[Entry]) -> Matches:
    """Return the ranking of the kind of search that is wanted, in the order that is wanted."""
    if search.search_type == "text" or search.embedding is None:
        return _ranked(by_words.matches, search.order)
    nearest = _nearest(search.embedding, allowed)
    if search.search_type == "semantic":
        return _ranked(nearest.matches, search.order)
    best = Matches(matches=by_words.matches[:FUSED], total=by_words.total, exact=by_words.exact)
    return fuse(best, nearest, search.order)


def _nearest(query: QueryEmbedding, allowed: Iterable[Entry]) -> Matches:
    """Compare the query with every embedding of its model."""
    wanted = np.asarray(query.vector)
    found = [
        _match(entry, float(wanted @ np.asarray(entry.segment.embedding)))
        for entry in allowed
        if entry.segment is not None and entry.segment.model == query.model
    ]
    near = in_order([match for match in found if match.score >= query.floor], Order())
    return _ranked(near[:MAX_NEAREST], Order())


def _value(leaf: Word | Phrase, entry: Entry, stems: WordStems) -> float:
    """Return the value of a word, which grows with its occurrences and levels off; a phrase or a stop word counts once."""
    if isinstance(leaf, Phrase) or is_stop_word(leaf.text, stems):
        return _levelled(1) if matches(leaf, entry, stems) else 0.0
    own = stem_occurrences((leaf.text,), entry, stems)
    similar = stem_occurrences(leaf.like, entry, stems)
    return _levelled(own) + SIMILAR_WEIGHT * _levelled(similar)


def _levelled(occurrences: int) -> float:
    """Return the value of so many occurrences, as PostgreSQL's ``ts_rank`` has it: a sum of 1 / n² that nears 1."""
    return sum(1 / number**2 for number in range(1, occurrences + 1)) / (math.pi**2 / 6)


def _match(entry: Entry, score: float) -> Match:
    shown = entry.item.shown
    segment_id = None if entry.segment is None else entry.segment.id
    return Match(
        item_id=shown.id,
        segment_id=segment_id,
        position=entry.position,
        score=score,
        published_at=shown.published_at,
    )


def _ranked(found: Sequence[Match], order: Order) -> Matches:
    return Matches(matches=tuple(in_order(found, order)), total=len(found), exact=True)


def _most(counted: Sequence[tuple[tuple[str, str], int]]) -> tuple[FacetCount, ...]:
    """Return the highest counts; equal ones stay in the order in which they are given."""
    best = sorted(counted, key=lambda one: -one[1])
    return tuple(
        FacetCount(value=value, label=label, count=count) for (value, label), count in islice(best, MAX_FACET_VALUES)
    )
