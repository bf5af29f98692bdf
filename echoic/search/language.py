"""The query language: a text becomes a tree of words, phrases and operators; knows no engine.

Every text is understood; what is incomplete is mended (an open quote or parenthesis ends with the query, an operator
without its other side is left out). Refused, with the position, are only exclusions that exclude from nothing, and
queries of more parts than ``MAX_PARTS`` or deeper than ``MAX_DEPTH``. docs/search.md has the language as a table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import TypeAlias

from echoic.errors import QueryInvalid
from echoic.text.numbers import BLANKS, spellings
from echoic.text.respelled import respelled
from echoic.text.words import joined_words, words

MAX_PARTS = 50
MAX_DEPTH = 20
OVERLAP_WORDS = 8
"""A phrase may reach so many words into the segments that follow."""
MAX_MIXED_NUMBERS = 2
"""Of a phrase with more large numbers than this, all are taken to be written in the same way."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the query. An entry matches if it holds any form of ``text`` or of a similar word in ``like``."""

    text: str
    like: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words one after the other, exactly as they are; with ``open_end`` the last is a beginning."""

    words: tuple[str, ...]
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Both:
    """All of them must be there."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them must be there."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Without:
    """A part that must not be there; it stands only beside something else within a ``Both``."""

    part: "Node"


Node: TypeAlias = Word | Phrase | Both | Either | Without

_PIECE = re.compile(
    rf"""(?P<number>(?<![^\s(])\d{{1,3}}(?:[{BLANKS}]\d{{3}})+(?:[.,]\d+)?(?![^\s)])) | (?P<open>\() | (?P<close>\)) | "(?P<phrase>[^"]*)"? | (?P<minus>-(?=[^\s-])) | (?P<word>[^\s()"]+)""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"AND", "OR", "NOT"})


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    text: str
    position: int
    """Counted from 1."""


def parse(query: str) -> Node | None:
    """Return the tree of a query; None where it holds no word.

    Raises:
        QueryInvalid: it excludes from nothing, or has too many parts; the message names the position.
    """
    return _Parser(list(_pieces(query))).parse()


def leaves(node: Node | None, *, excluded: bool = False) -> Iterator[Word | Phrase]:
    """Yield the words and phrases of a tree in order; those that must not be there only where asked for."""
    match node:
        case Word() | Phrase():
            yield node
        case Both(parts) | Either(parts):
            for part in parts:
                yield from leaves(part, excluded=excluded)
        case Without(part) if excluded:
            yield from leaves(part, excluded=excluded)


def exclusions(node: Node | None) -> tuple[Node, ...]:
    """Return the parts that no result may have; those that one alternative of several excludes are none of them."""
    return tuple(part.part for part in node.parts if isinstance(part, Without)) if isinstance(node, Both) else ()


def wanted_words(node: Node | None) -> str:
    """Return the words that a query asks for, without those that it excludes."""
    return " ".join(leaf.text if isinstance(leaf, Word) else " ".join(leaf.words) for leaf in leaves(node))


def spelled(phrase: Phrase) -> list[Phrase]:
    """Return the phrase in all the ways in which texts may write its numbers."""
    ways = [spellings(word) for word in phrase.words]
    if sum(len(way) > 1 for way in ways) <= MAX_MIXED_NUMBERS:
        chosen = list(product(*ways))
    else:
        most = max(map(len, ways))
        chosen = [tuple(way[min(number, len(way) - 1)] for way in ways) for number in range(most)]
    return [Phrase(tuple(chain.from_iterable(way)), open_end=phrase.open_end) for way in chosen]


def replace_words(node: Node, like: dict[str, tuple[str, ...]]) -> Node:
    """Return the tree with words that are like its words beside them; what is excluded stays as it is."""
    match node:
        case Word(text):
            return replace(node, like=like.get(text, ()))
        case Both(parts):
            return Both(tuple(replace_words(part, like) for part in parts))
        case Either(parts):
            return Either(tuple(replace_words(part, like) for part in parts))
        case _:
            return node


def _pieces(query: str) -> Iterator[_Piece]:
    for match in _PIECE.finditer(query):
        kind, text = str(match.lastgroup), str(match[match.lastgroup or 0])
        if kind == "word" and text in _OPERATORS:
            kind = text
        yield _Piece(kind=kind, text=text, position=match.start() + 1)


class _Parser:
    """Recursive descent: ``either`` over ``both`` over ``part``."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces
        self._next = 0
        self._parts = 0

    def parse(self) -> Node | None:
        found: list[Node] = []
        while self._next < len(self._pieces):
            node = self._either(depth=0)
            if node is not None:
                found.append(node)
            # Whatever stopped the descent is a parenthesis too many.
            self._next += 1
        return _both(found)

    def _peek(self) -> _Piece | None:
        return self._pieces[self._next] if self._next < len(self._pieces) else None

    def _either(self, depth: int) -> Node | None:
        sides = []
        while True:
            node = self._both(depth)
            if node is not None:
                sides.append(node)
            piece = self._peek()
            if piece is None or piece.kind != "OR":
                return _either(sides)
            self._next += 1

    def _both(self, depth: int) -> Node | None:
        parts: list[Node] = []
        excluded: list[tuple[Node, _Piece]] = []
        while (piece := self._peek()) is not None and piece.kind not in {"OR", "close"}:
            if piece.kind == "AND":
                self._next += 1
                continue
            negative, node = self._signed(depth)
            if node is None:
                continue
            if negative:
                excluded.append((node, piece))
            else:
                parts.append(node)
        if excluded and not parts:
            raise QueryInvalid(
                f"At position {excluded[0][1].position} the query excludes something but does not say from what: put a "
                "word that must be there beside it."
            )
        return _both([*parts, *(Without(node) for node, _ in excluded)])

    def _signed(self, depth: int) -> tuple[bool, Node | None]:
        """Return a part and whether it is excluded; two exclusions of one part cancel each other."""
        negative = False
        while (piece := self._peek()) is not None and piece.kind in {"NOT", "minus", "AND"}:
            negative ^= piece.kind != "AND"
            self._next += 1
        if piece is None or piece.kind in {"OR", "close"}:
            return negative, None
        self._next += 1
        if piece.kind == "open":
            return negative, self._group(piece, depth + 1)
        node = _leaf(piece)
        if node is not None:
            self._count(piece)
        return negative, node

    def _group(self, opening: _Piece, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            raise QueryInvalid(
                f"The parentheses at position {opening.position} are nested too deep; {MAX_DEPTH} levels are allowed."
            )
        node = self._either(depth)
        if self._peek() is not None:
            self._next += 1
        return node

    def _count(self, piece: _Piece) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise QueryInvalid(
                f"At position {piece.position} the query has its part number {MAX_PARTS + 1}; "
                f"{MAX_PARTS} words and phrases are allowed."
            )


def _leaf(piece: _Piece) -> Node | None:
    found = tuple(joined_words(piece.text))
    if not found:
        return None
    if piece.kind == "phrase":
        return Phrase(found)
    if piece.text.endswith("*"):
        return Phrase(found, open_end=True)
    if piece.kind == "number":
        # What looks like a number in groups may as well be several numbers.
        apart = Both(tuple(Word(word) for word in words(piece.text)))
        return Either((_word_or_phrase(found), apart))
    if len(found) == 1 and any(respelled(piece.text)):
        return Either((Word(found[0]), Phrase(found)))
    return _word_or_phrase(found)


def _word_or_phrase(found: tuple[str, ...]) -> Word | Phrase:
    """Keep the parts together of a word that is read as several, such as don't or well-known."""
    return Word(found[0]) if len(found) == 1 else Phrase(found)


def _both(parts: list[Node]) -> Node | None:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Both) else (part,))]
    return None if not flat else flat[0] if len(flat) == 1 else Both(tuple(flat))


def _either(parts: list[Node]) -> Node | None:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,))]
    return None if not flat else flat[0] if len(flat) == 1 else Either(tuple(flat))
