"""A query's tree as PostgreSQL takes it: the texts of tsqueries, which are handed over as parameters.

A single word becomes its stems in every language that was indexed, a phrase or a beginning becomes the words themselves.
Stop words are left out where something else must be there, too.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations

from echoic.db.search.lexemes import LEVEL, MAX_LEVEL, STEM, any_of, quoted, sought_in_phrase
from echoic.db.search.lexical import Measure, NarrowQuery, Term, TextQuery
from echoic.db.search.query_words import QueryWords, StemsInAll
from echoic.db.search.vocabulary import WordStatistics
from echoic.search.language import Both, Either, Node, Phrase, Without, Word, leaves, spelled
from echoic.search.similar import SIMILAR_WEIGHT

MAX_NARROW_PAIRS = 10


def compile_query(
    node: Node,
    *,
    stems: StemsInAll,
    statistics: WordStatistics,
    with_older: bool = False,
    marks: Sequence[Sequence[str]] = (),
) -> TextQuery:
    """Compile a query, narrowed to entries that have one of each of the given sets of marks.

    ``with_older`` is whether there are entries of schema version 1, whose plain lexemes are English stems.
    """
    tree = _Compiler(stems, statistics, with_older)
    # A set without any mark: nothing can be found, and the mark alone is nobody's.
    narrowing = () if with_older else tuple(tuple(alternatives) or ("@",) for alternatives in marks)
    frequency = tree.frequency(node)
    for alternatives in narrowing:
        frequency *= min(1.0, sum(map(tree.at_most, alternatives)))
    return TextQuery(
        tsquery=tree.compile(node),
        terms=tuple(tree.terms(node)),
        marks=tuple(map(any_of, narrowing)),
        narrow_queries=tuple(tree.narrow_queries(node)),
        expected=frequency * statistics.entries,
    )


class _Compiler(QueryWords):
    def compile(self, node: Node) -> str:
        match node:
            case Word():
                return self._word(node)
            case Phrase():
                return _phrase(node)
            case Without(part):
                return f"!({self.compile(part)})"
            case Both(parts):
                return " & ".join(f"({self.compile(part)})" for part in self.weighty(parts))
            case Either(parts):
                return " | ".join(f"({self.compile(part)})" for part in parts)

    def _word(self, node: Word) -> str:
        alone = [_phrase(Phrase((node.text,)))] if self.is_stop(node.text) else []
        return " | ".join([*map(quoted, self._alike(node)), *alone])

    def terms(self, node: Node) -> list[Term]:
        """Make the terms of the score. Where every match has all of them, only their occurrences make a difference."""
        found = [leaf for leaf in dict.fromkeys(leaves(node)) if not self.left_out(node, leaf)]
        terms = []
        for leaf in found:
            weight = self.weight(leaf)
            if isinstance(leaf, Word) and not self.is_stop(leaf.text):
                lexemes = self.lexemes(leaf.text)
                terms.append(Term(tsquery=" | ".join(map(quoted, lexemes)), weight=weight, by="occurrences"))
                like = [lexeme for word in leaf.like for lexeme in self.lexemes(word)]
                if like:
                    query = " | ".join(map(quoted, like))
                    terms.append(Term(tsquery=query, weight=weight * SIMILAR_WEIGHT, by="occurrences"))
            else:
                measure: Measure = "match" if self._is_in_each(node, leaf) else "presence"
                terms.append(Term(tsquery=self.compile(leaf), weight=weight, by=measure))
        return terms

    def _is_in_each(self, node: Node, leaf: Word | Phrase) -> bool:
        """Return whether every match has a leaf of the query, as far as that can be told at the top of the tree."""
        return leaf == node or (isinstance(node, Both) and leaf in self.weighty(node.parts))

    def frequency(self, node: Node) -> float:
        """About the part of all entries that match; of what is rare, the most that it can be."""
        match node:
            case Word(text):
                return max(map(self.at_most, [*self._alike(node), *[text] * self.is_stop(text)]))
            case Phrase(words, open_end):
                # Words of a phrase are said together far more often than by chance.
                return min(
                    self._beginning(lexeme) if beginning else self.at_most(lexeme)
                    for _, lexeme, beginning in sought_in_phrase(words, open_end=open_end)
                )
            case Both(parts):
                found = [self.frequency(part) for part in self.weighty(parts) if not isinstance(part, Without)]
                return math.prod(found)
            case Either(parts):
                return 1 - math.prod(1 - self.frequency(part) for part in parts)
            case _:
                return 1.0

    def at_most(self, lexeme: str) -> float:
        """Return the part of all entries that hold a lexeme; of one too rare to be known, the most that it can be."""
        frequency = self.statistics.of(lexeme)
        return self._rarest if frequency is None else frequency

    @cached_property
    def _rarest(self) -> float:
        return min(self.statistics.frequencies.values(), default=1.0)

    def _alike(self, word: Word) -> list[str]:
        """Return the lexemes of a word's stems, and of those that are like it."""
        return [lexeme for one in (word.text, *word.like) for lexeme in self.lexemes(one)]

    def _beginning(self, beginning: str) -> float:
        known = [f for lexeme, f in self.statistics.frequencies.items() if lexeme.startswith(beginning)]
        return 1 - math.prod(1 - frequency for frequency in (known or [self._rarest]))

    def narrow_queries(self, node: Node) -> Iterator[tuple[NarrowQuery, ...]]:
        """Make queries for the likely best matches, each narrower than the one before.

        There are some for each word, for the entries with the most occurrences of it: two at least where every match has one.
        Where one of several words is enough, there are also some for each pair of words.
        """
        words = [leaf for leaf in dict.fromkeys(leaves(node)) if isinstance(leaf, Word) and not self.is_stop(leaf.text)]
        plain = all(isinstance(part, Word) for part in (node.parts if isinstance(node, Either) else (node,)))
        # Entries with the words are part of the matches as they are; to ask for both takes twice the time.
        query = "" if plain else f"({self.compile(node)}) & "
        whole = self.frequency(node)
        for word in words:
            yield tuple(
                NarrowQuery(
                    tsquery=f"{query}({self._at_level(word, level)})",
                    share=self._frequency_at(word, level) / max(whole, self.frequency(word)),
                )
                for level in range(2 if self._is_in_each(node, word) else 1, MAX_LEVEL + 1)
            )
        if isinstance(node, Either):
            for first, second in list(combinations(words, 2))[:MAX_NARROW_PAIRS]:
                yield tuple(self._narrow_pair(query, first, second, whole))

    def _narrow_pair(self, query: str, first: Word, second: Word, whole: float) -> Iterator[NarrowQuery]:
        both = f"{query}({self._word(first)}) & ({self._word(second)})"
        share = self.frequency(first) * self.frequency(second) / whole
        yield NarrowQuery(tsquery=both, share=share)
        for level in range(2, MAX_LEVEL + 1):
            more = " | ".join(self._at_level(word, level) for word in (first, second))
            part = sum(self._frequency_at(word, level) / self.frequency(word) for word in (first, second))
            yield NarrowQuery(tsquery=f"{both} & ({more})", share=share * min(1.0, part))

    def _at_level(self, word: Word, level: int) -> str:
        """Return a query for the entries with at least so many occurrences of a word."""
        return any_of(lexeme if level == 1 else _at_level(lexeme, level) for lexeme in self._alike(word))

    def _frequency_at(self, word: Word, level: int) -> float:
        """About the part of all entries with so many occurrences; where it is not known, that by chance."""
        found = 0.0
        for lexeme in self._alike(word):
            known = self.statistics.of(lexeme if level == 1 else _at_level(lexeme, level))
            by_chance = min(self._rarest, self.at_most(lexeme) ** level / math.factorial(level))
            found = max(found, by_chance if known is None else known)
        return found


def _at_level(lexeme: str, level: int) -> str:
    return LEVEL.format(level=level) + lexeme.removeprefix(STEM)


def _phrase(phrase: Phrase) -> str:
    return " | ".join(f"({_in_one_way(way)})" for way in spelled(phrase))


def _in_one_way(phrase: Phrase) -> str:
    """Its first word is the segment's own; the others may already be said in the next one."""
    query, before = "", 0
    for place, lexeme, beginning in sought_in_phrase(phrase.words, open_end=phrase.open_end):
        if not query:
            query = quoted(lexeme) + (":*D" if beginning else ":D")
        else:
            query += f" <{place - before}> {quoted(lexeme)}{':*' if beginning else ''}"
        before = place
    return query
