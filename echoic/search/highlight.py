"""Marks in a text what a query found there, as HTML in which every tag is ours; pure."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from echoic.search.language import Node, Phrase, Word, leaves, spelled
from echoic.text.respelled import respelled
from echoic.text.words import marked_places, tokens

OPEN, CLOSE = "<mark>", "</mark>"
SNIPPET_CHARACTERS = 240
"""Of a long description so much is shown around the first match."""
ELLIPSIS = "…"


Stems = Mapping[str, str | None]
"""The stem of each word; None for a stop word."""


@dataclass(frozen=True, slots=True)
class Highlighter:
    """Knows what a query looks for."""

    words: frozenset[str]
    stems: frozenset[str]
    phrases: tuple[Phrase, ...]

    @classmethod
    def of(cls, node: Node | None, query_stems: Mapping[str, Sequence[str | None]]) -> "Highlighter":
        """For a query, with the stems of its words in every dictionary."""
        found = list(leaves(node))
        words = {word for leaf in found if isinstance(leaf, Word) for word in (leaf.text, *leaf.like)}
        return cls(
            words=frozenset(words),
            stems=frozenset(stem for word in words for stem in query_stems.get(word, ()) if stem is not None),
            phrases=tuple(way for leaf in found if isinstance(leaf, Phrase) for way in spelled(leaf)),
        )

    def mark(self, text: str, stems: Stems, following: Sequence[str] = ()) -> str | None:
        """Return the text with its matches marked; None where nothing matches.

        ``following`` are the first words said after it: a phrase may end there.
        """
        return _render(text, self._matches(text, stems, following))

    def snippet(self, text: str, stems: Stems) -> str | None:
        """Return the part around the first match, marked; None where nothing matches."""
        spans = self._matches(text, stems, ())
        if not spans:
            return None
        start = max(0, min(spans[0][0] - SNIPPET_CHARACTERS // 3, len(text) - SNIPPET_CHARACTERS))
        end = start + SNIPPET_CHARACTERS
        # A word may be longer than what is shown.
        inside = [(a - start, min(b, end) - start) for a, b in spans if start <= a < end]
        shown = _render(text[start:end], inside)
        return f"{ELLIPSIS if start > 0 else ''}{shown}{ELLIPSIS if end < len(text) else ''}"

    def _matches(self, text: str, stems: Stems, following: Sequence[str]) -> list[tuple[int, int]]:
        found = tokens(text)
        hit = [token.word in self.words or stems.get(token.word) in self.stems for token in found]
        spoken = [token.word for token in found]
        all_words = spoken + list(following)
        marked_at = marked_places(text) if self.phrases else {}
        for phrase in self.phrases:
            for start in range(len(spoken)):
                if stands_at(phrase, all_words, start, marked_at):
                    end = min(start + len(phrase.words), len(spoken))
                    hit[start:end] = [True] * (end - start)
        spans = [(token.start, token.end) for token, matched in zip(found, hit, strict=True) if matched]
        for marked in respelled(text):
            groups = [
                matched for token, matched in zip(found, hit, strict=True) if marked.start <= token.start < marked.end
            ]
            if all(groups) or self._seeks(marked.word):
                spans.append((marked.start, marked.end))
        return _joined(sorted(spans))

    def _seeks(self, word: str) -> bool:
        return word in self.words or any(stands_at(phrase, [word], 0, {}) for phrase in self.phrases)


def stands_at(phrase: Phrase, spoken: Sequence[str], start: int, marked: Mapping[int, str]) -> bool:
    """Return whether a phrase stands at a place. ``marked`` are words with marks, as ``marked_places`` has them."""
    if start + len(phrase.words) > len(spoken):
        return False
    ways = [(spoken[place], marked.get(place, "")) for place in range(start, start + len(phrase.words))]
    *before, last = phrase.words
    if any(wanted not in way for wanted, way in zip(before, ways, strict=False)):
        return False
    return any(way.startswith(last) for way in ways[-1]) if phrase.open_end else last in ways[-1]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one: the characters of an unspaced word are tokens of their own."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _render(text: str, spans: Sequence[tuple[int, int]]) -> str | None:
    if not spans:
        return None
    parts, done = [], 0
    for start, end in spans:
        parts += [escaped(text[done:start]), OPEN, escaped(text[start:end]), CLOSE]
        done = end
    return "".join([*parts, escaped(text[done:])])


def escaped(text: str) -> str:
    """Return a text as HTML."""
    return html.escape(text, quote=False)
