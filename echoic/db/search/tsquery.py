"""A query's tree as PostgreSQL takes it: the texts of tsqueries, which are handed over as parameters.

A single word becomes its stems in every language that was indexed, a phrase or a beginning becomes the words themselves.
Stop words are left out where something else must be there, too.
"""

import math
from collections.abc import Sequence
from itertools import combinations

from echoic.db.search.lexemes import LEVEL, MAX_LEVEL, STEM, quoted, sought_in_phrase
from echoic.db.search.lexical import MAX_MATCHES, Term, TextQuery
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
    frequency, narrowing = tree.frequency(node), ""
    if not with_older:
        for alternatives in marks:
            # A set without any mark: nothing can be found, and the mark alone is nobody's.
            narrowing += f" & ({' | '.join(map(quoted, alternatives or ('@',)))})"
            frequency *= sum(statistics.of(mark) or 0.0 for mark in alternatives)
    return TextQuery(
        tsquery=f"({tree.compile(node)}){narrowing}",
        terms=tuple(tree.terms(node)),
        narrow_queries=tuple(f"({narrow}){narrowing}" for narrow in tree.narrow_queries(node)),
        expected_matches=frequency**2 * statistics.entries,
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
        lexemes = [lexeme for word in (node.text, *node.like) for lexeme in self.lexemes(word)]
        alone = [_phrase(Phrase((node.text,)))] if self.is_stop(node.text) else []
        return " | ".join([*map(quoted, lexemes), *alone])

    def terms(self, node: Node) -> list[Term]:
        """Make the terms of the score. Where every match has all of them, only their occurrences make a difference."""
        found = [leaf for leaf in dict.fromkeys(leaves(node)) if not self.left_out(node, leaf)]
        terms = []
        for leaf in found:
            weight = self.weight(leaf)
            if isinstance(leaf, Word) and not self.is_stop(leaf.text):
                lexemes = self.lexemes(leaf.text)
                terms.append(Term(tsquery=" | ".join(map(quoted, lexemes)), weight=weight, counted=True))
                like = [lexeme for word in leaf.like for lexeme in self.lexemes(word)]
                if like:
                    query = " | ".join(map(quoted, like))
                    terms.append(Term(tsquery=query, weight=weight * SIMILAR_WEIGHT, counted=True))
            else:
                terms.append(Term(tsquery=self.compile(leaf), weight=weight, counted=False))
        return terms

    def frequency(self, node: Node) -> float:
        """About the part of all entries that match; 0 where it is not known to be large."""
        match node:
            case Word(text):
                lexemes = self.lexemes(text) or [text]
                return max((self.statistics.of(lexeme) or 0.0 for lexeme in lexemes), default=0.0)
            case Phrase(words, open_end):
                return math.prod(
                    self._beginning(lexeme) if beginning else self.statistics.of(lexeme) or 0.0
                    for _, lexeme, beginning in sought_in_phrase(words, open_end=open_end)
                )
            case Both(parts):
                found = [self.frequency(part) for part in self.weighty(parts) if not isinstance(part, Without)]
                return math.prod(found)
            case Either(parts):
                return 1 - math.prod(1 - self.frequency(part) for part in parts)
            case _:
                return 0.0

    def _beginning(self, beginning: str) -> float:
        known = self.statistics.frequencies.items()
        return 1 - math.prod(1 - frequency for lexeme, frequency in known if lexeme.startswith(beginning))

    def narrow_queries(self, node: Node) -> list[str]:
        """Make queries for the likely best matches, each with few enough to rank them all.

        There is one for each word, for the entries with the most occurrences of it. Where one of several words is enough,
        there is also one for each pair of words.
        """
        words = [leaf for leaf in dict.fromkeys(leaves(node)) if isinstance(leaf, Word) and not self.is_stop(leaf.text)]
        found = [level for word in words if (level := self._level(word))]
        if isinstance(node, Either):
            pairs = list(combinations(map(self._word, words), 2))[:MAX_NARROW_PAIRS]
            found += [f"({first}) & ({second})" for first, second in pairs]
        if all(isinstance(part, Word) for part in (node.parts if isinstance(node, Either) else (node,))):
            return found  # These are part of the matches as they are; to ask for both takes twice the time.
        query = self.compile(node)
        return [f"({query}) & ({narrow})" for narrow in found]

    def _level(self, word: Word) -> str | None:
        """Return a query for the lowest number of occurrences that few enough entries have."""
        lexemes = self.lexemes(word.text)
        for level in range(1, MAX_LEVEL + 1):
            marked = [lexeme if level == 1 else _at_level(lexeme, level) for lexeme in lexemes]
            common = [frequency for lexeme in marked if (frequency := self.statistics.of(lexeme)) is not None]
            if sum(common) * self.statistics.entries <= MAX_MATCHES:
                return " | ".join(map(quoted, marked))
        return None


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
