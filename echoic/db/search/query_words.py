"""The words of a query as the index holds them, which of them count, and how much; the same for every engine. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from echoic.db.search.lexemes import STEM, sought_in_phrase
from echoic.db.search.vocabulary import WordStatistics
from echoic.search.language import Node, Phrase, Without, Word, leaves

StemsInAll = Mapping[str, Sequence[str | None]]
"""The stem of each word in every dictionary; None where it is a stop word there."""

RAREST = 1e-6
"""Frequency from which on rarer words do not count more."""


@dataclass
class QueryWords:
    """The words of one query, by their stems and frequencies."""

    stems: StemsInAll
    statistics: WordStatistics
    with_older: bool = False
    """Whether there are entries of schema version 1, whose plain lexemes are English stems."""

    def weighty(self, parts: Sequence[Node]) -> Sequence[Node]:
        """Return the parts without stop words, where anything else is left that must be there."""
        kept = [part for part in parts if not (isinstance(part, Word) and self.is_stop(part.text))]
        return kept if any(not isinstance(part, Without) for part in kept) else parts

    def is_stop(self, word: str) -> bool:
        """Return whether a word is a stop word in any language: entries in that language do not hold it as a stem."""
        return None in self.stems[word]

    def lexemes(self, word: str) -> list[str]:
        """Return the lexemes of a word's stems."""
        found = [STEM + stem for stem in dict.fromkeys(self.stems[word]) if stem is not None]
        if self.with_older:
            found += [stem for stem in self.stems[word] if stem is not None]
        return found

    def left_out(self, node: Node, leaf: Word | Phrase) -> bool:
        """Return whether a leaf of a query adds nothing to the score: a stop word beside anything else."""
        return (
            isinstance(leaf, Word)
            and self.is_stop(leaf.text)
            and any(not (isinstance(other, Word) and self.is_stop(other.text)) for other in leaves(node))
        )

    def weight(self, leaf: Word | Phrase) -> float:
        """Return how much a leaf counts, the rarer, the more: the logarithm of one over the frequency, of a phrase its rarest word's."""
        frequency = min(filter(None, map(self.statistics.of, self._known(leaf))), default=None)
        return -math.log(min(0.9, max(frequency or self._rare(), RAREST)))

    def _rare(self) -> float:
        return min(self.statistics.frequencies.values(), default=0.001)

    def _known(self, leaf: Word | Phrase) -> list[str]:
        if isinstance(leaf, Phrase):
            return [lexeme for _, lexeme, _ in sought_in_phrase(leaf.words, open_end=leaf.open_end)]
        return self.lexemes(leaf.text) or [leaf.text]
