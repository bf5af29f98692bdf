"""A query's tree in OpenSearch's own terms: what must match, and what adds to the score. Pure.

A single word becomes its stems in every language that was indexed, a phrase or a beginning the words themselves, as for
PostgreSQL. The score is a sum of constants, the same sum as there (docs/search.md): OpenSearch's own would know neither
stop words nor how often a word occurs in the index of one library.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from echoic.db.search.lexemes import MAX_LEVEL, STEM, Sought, sought_in_phrase
from echoic.db.search.lexical import ONCE
from echoic.db.search.query_words import QueryWords
from echoic.opensearch.documents import FOLLOWS, GAP, at_level
from echoic.search.language import OVERLAP_WORDS, Both, Either, Node, Phrase, Without, Word, leaves, spelled
from echoic.search.similar import SIMILAR_WEIGHT

Clause = dict[str, Any]

MAX_PHRASES = 400
"""Of all ways in which a query's phrases may stand, across the end of a segment and with their numbers written apart, so
many are asked for: OpenSearch takes 1,024 clauses in all."""
MAX_BEGINNINGS = 500
"""Of the words that begin as the last of a phrase does, so many are looked for."""


@dataclass
class QueryClauses:
    """Makes the clauses of one query."""

    words: QueryWords
    _phrases_left: int = field(default=MAX_PHRASES)

    def matching(self, node: Node) -> Clause:
        """Return the clause that an entry must match."""
        match node:
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node)
            case Without(part):
                return {"bool": {"must_not": [self.matching(part)]}}
            case Both(parts):
                return {"bool": {"filter": [self.matching(part) for part in self.words.weighty(parts)]}}
            case Either(parts):
                return any_of([self.matching(part) for part in parts])

    def scoring(self, node: Node) -> list[Clause]:
        """Return the clauses of which each that matches adds to the score."""
        made: list[Clause] = []
        for leaf in dict.fromkeys(leaves(node)):
            if self.words.left_out(node, leaf):
                continue
            weight = self.words.weight(leaf) * ONCE
            if isinstance(leaf, Word) and not self.words.is_stop(leaf.text):
                made += _levels(self.words.lexemes(leaf.text), weight)
                similar = [lexeme for word in leaf.like for lexeme in self.words.lexemes(word)]
                made += _levels(similar, weight * SIMILAR_WEIGHT)
            else:
                made.append(_constant(self.matching(leaf), weight))
        return made

    def _word(self, node: Word) -> Clause:
        lexemes = [lexeme for word in (node.text, *node.like) for lexeme in self.words.lexemes(word)]
        clauses: list[Clause] = [{"terms": {"stems": lexemes}}] if lexemes else []
        if self.words.is_stop(node.text):
            clauses.append(self._phrase(Phrase((node.text,))))
        return any_of(clauses)

    def _phrase(self, phrase: Phrase) -> Clause:
        found = []
        for way in spelled(phrase):
            for clause in _ways(sought_in_phrase(way.words, open_end=way.open_end)):
                if self._phrases_left > 0:
                    self._phrases_left -= 1
                    found.append(clause)
        return any_of(found)


def _ways(sought: Sequence[Sought]) -> Iterator[Clause]:
    """Yield the ways in which a phrase may stand: within the segment first, then with ever more of it in the next ones."""
    for own in range(len(sought), max(0, len(sought) - OVERLAP_WORDS - 1), -1):
        yield _standing(sought, own=own)


def _standing(sought: Sequence[Sought], *, own: int) -> Clause:
    """Return the clause for a phrase of which so many lexemes are the segment's own, and the others follow."""
    tokens = [one.lexeme if number < own else FOLLOWS + one.lexeme for number, one in enumerate(sought)]
    last = sought[-1]
    if len(sought) == 1:
        return {"prefix": {"words": tokens[0]}} if last.beginning else {"term": {"words": tokens[0]}}
    text, before = "", 0
    for one, token in zip(sought, tokens, strict=True):
        text += f" {GAP}" * (one.place - before - 1) + f" {token}"
        before = one.place
    if last.beginning:
        return {"match_phrase_prefix": {"words": {"query": text.strip(), "max_expansions": MAX_BEGINNINGS}}}
    return {"match_phrase": {"words": text.strip()}}


def _levels(lexemes: Sequence[str], weight: float) -> Iterator[Clause]:
    """Yield clauses whose sum grows with the occurrences of stems and levels off, as PostgreSQL's ``ts_rank`` does."""
    if not lexemes:
        return
    yield _constant({"terms": {"stems": list(lexemes)}}, weight)
    for level in range(2, MAX_LEVEL + 1):
        marked = [at_level(lexeme.removeprefix(STEM), level) for lexeme in lexemes]
        yield _constant({"terms": {"stems": marked}}, weight / level**2)


def _constant(clause: Clause, weight: float) -> Clause:
    return {"constant_score": {"filter": clause, "boost": weight}}


def any_of(clauses: Sequence[Clause]) -> Clause:
    """Return the clause of which one must match."""
    if not clauses:
        return {"match_none": {}}
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": list(clauses), "minimum_should_match": 1}}
