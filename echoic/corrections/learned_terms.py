"""Finds the names and terms that corrections teach: those put in the place of what the transcriber heard. Pure.

A correction teaches a term where the two texts sound alike, as far as letters tell, and the new one is written like a
name: with a capital, a digit or an inner capital where an ordinary word has none. Rewording teaches nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from echoic.text.sentences import ends_sentence
from echoic.text.written import comparable, letters

MAX_TERM_CHARACTERS = 100
MAX_HEARD_WORDS, MAX_TERM_WORDS = 6, 4
"""Longer stretches are rewording."""
MIN_LIKENESS = 0.45
"""The least likeness of letters, from 0 to 1, of what was heard and what was meant: *Cooper Netties* for *Kubernetes* has 0.61."""
MAX_BLOCK_WORDS = 3
"""The most words that one word of a term was heard as."""
MAX_UNALIGNED_WORDS = 30
"""A longer stretch that changed is not aligned word by word."""
MIN_SAFE_LETTERS = 4
"""A single word in small letters that is shorter is never replaced everywhere."""
_MARKS = ".,;:!?…\"'“”‘’«»()[]–—"


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectedText:
    """A segment's text as the engines made it, and its text now."""

    item_id: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardAs:
    """A text that was heard in the place of a term."""

    text: str
    times: int
    is_safe: bool
    """Whether it can be replaced everywhere: it is no ordinary word, and nobody let it stand in a corrected segment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedTerm:
    """A term that people wrote in the place of others."""

    term: str
    times: int
    items: int
    """The number of recordings in which it was corrected."""
    heard_as: tuple[HeardAs, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """One stretch of a text that was heard otherwise than it was meant."""

    heard: str
    meant: str


def learned_terms(
    corrected: Iterable[CorrectedText], *, known: Collection[str] = (), min_times: int = 1
) -> list[LearnedTerm]:
    """Return the terms that corrections teach, the most frequent first; ``known`` ones and those dismissed are left out."""
    left_out = {letters(term) for term in known}
    heard: dict[str, Counter[str]] = {}
    items: dict[str, set[int]] = {}
    texts: list[str] = []
    for each in corrected:
        texts.append(each.after)
        for found in substitutions(each.before, each.after):
            if letters(found.meant) not in left_out:
                heard.setdefault(found.meant, Counter())[found.heard] += 1
                items.setdefault(found.meant, set()).add(each.item_id)
    present = _Present.of(texts)
    learned = [
        LearnedTerm(
            term=term,
            times=counts.total(),
            items=len(items[term]),
            heard_as=tuple(
                HeardAs(text=text, times=times, is_safe=is_safe(text) and not present.says(text, of=term))
                for text, times in counts.most_common()
            ),
        )
        for term, counts in heard.items()
        if counts.total() >= min_times
    ]
    return sorted(learned, key=lambda term: (-term.times, term.term.casefold(), term.term))


@dataclass(frozen=True, slots=True)
class _Present:
    """The words that corrected segments say now: as they are written, and in small letters."""

    written: str
    folded: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> "_Present":
        written = " ".join(_bare(word) for text in texts for word in text.split())
        return cls(f" {written} ", f" {written.casefold()} ")

    def says(self, heard: str, *, of: str) -> bool:
        """Return whether people let a text stand somewhere that is the term ``of`` elsewhere."""
        wanted = " ".join(map(_bare, heard.split()))
        if letters(heard) == letters(of):
            return f" {wanted} " in self.written
        return f" {wanted.casefold()} " in self.folded


def substitutions(before: str, after: str) -> Iterator[Substitution]:
    """Yield the stretches of a text in which a term was put in the place of what was heard."""
    old, new = before.split(), after.split()
    said, meant_to_be = [comparable(word) for word in old], [comparable(word) for word in new]
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, said, meant_to_be, autojunk=False).get_opcodes():
        if kind == "equal":
            # The same letters: a term that was written with other capitals.
            pairs = [((i1 + n, i1 + n + 1), (j1 + n, j1 + n + 1)) for n in range(j2 - j1)]
            pairs = [(i, j) for i, j in pairs if _bare(old[i[0]]) != _bare(new[j[0]])]
        elif kind == "replace" and max(i2 - i1, j2 - j1) <= MAX_UNALIGNED_WORDS:
            pairs = [
                ((i1 + a, i1 + b), (j1 + c, j1 + d)) for (a, b), (c, d) in _aligned(said[i1:i2], meant_to_be[j1:j2])
            ]
        else:
            continue
        for (a, b), (c, d) in _joined(pairs, new):
            heard, meant = _bare(" ".join(old[a:b])), _bare(" ".join(new[c:d]))
            if len(heard) > MAX_TERM_CHARACTERS or len(meant) > MAX_TERM_CHARACTERS:
                continue
            if heard and b - a <= MAX_HEARD_WORDS and d - c <= MAX_TERM_WORDS and is_term(new, c, d):
                yield Substitution(heard, meant)


def is_term(words: Sequence[str], begin: int, end: int) -> bool:
    """Return whether a stretch of a text is written like a name or a term, the capital that begins a sentence aside."""
    return any(_is_marked(words, index) for index in range(begin, end))


def is_safe(heard: str) -> bool:
    """Return whether a text can be replaced wherever it stands: several words, or one that is hardly an ordinary one."""
    if len(heard.split()) > 1:
        return True
    return heard != heard.lower() and len(letters(heard)) >= MIN_SAFE_LETTERS


def _is_marked(words: Sequence[str], index: int) -> bool:
    word = _bare(words[index])
    if any(sign.isdigit() or sign.isupper() for sign in word[1:]):
        return True
    begins = index == 0 or ends_sentence(words[index - 1])
    return word[:1].isupper() and not begins and word != "I"


_Span = tuple[int, int]


def _joined(pairs: Sequence[tuple[_Span, _Span]], new: Sequence[str]) -> list[tuple[_Span, _Span]]:
    """Join neighbors that are both written like names: first name and last name are one term."""
    joined: list[tuple[_Span, _Span]] = []
    for heard, meant in pairs:
        if joined and joined[-1][0][1] == heard[0] and joined[-1][1][1] == meant[0]:
            (first, _), (begin, end) = joined[-1]
            if is_term(new, begin, end) and is_term(new, *meant) and not ends_sentence(new[end - 1]):
                joined[-1] = ((first, heard[1]), (begin, meant[1]))
                continue
        joined.append((heard, meant))
    return joined


def _aligned(old: Sequence[str], new: Sequence[str]) -> list[tuple[_Span, _Span]]:
    """Pair stretches of at most ``MAX_BLOCK_WORDS`` words that look alike; what is like nothing is left out.

    The pairing of the greatest likeness in all, by letters, found by dynamic programming.
    """

    @cache
    def best(i: int, j: int) -> tuple[float, tuple[tuple[_Span, _Span], ...]]:
        if i == len(old) or j == len(new):
            return 0.0, ()
        found = max(best(i + 1, j), best(i, j + 1), key=lambda one: one[0])
        for heard in range(1, min(MAX_BLOCK_WORDS, len(old) - i) + 1):
            for meant in range(1, min(MAX_BLOCK_WORDS, len(new) - j) + 1):
                first, second = "".join(old[i : i + heard]), "".join(new[j : j + meant])
                likeness = SequenceMatcher(None, first, second, autojunk=False).ratio()
                if likeness < MIN_LIKENESS:
                    continue
                rest, pairs = best(i + heard, j + meant)
                # Squared, so that two pairs of words that are each alike beat the same words as one pair.
                worth = rest + likeness**2 * (len(first) + len(second))
                if worth > found[0]:
                    found = worth, (((i, i + heard), (j, j + meant)), *pairs)
        return found

    return list(best(0, 0)[1])


def _bare(text: str) -> str:
    return text.strip(_MARKS)
