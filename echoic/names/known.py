"""Names that nearly always mean the same thing, from the list beside this module."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from echoic.records import EntityType, Span

LIST = "known_names.txt"
MENS_NAME, WOMENS_NAME = "men's name", "women's name"
GIVEN_NAMES = (MENS_NAME, WOMENS_NAME)
NEEDS_CAPITALS = "*"

TOKEN = re.compile(r"\w+(?:[.'’&+/-]\w+)*")
"""A word, with the punctuation that may stand inside it: AT&T, Rolls-Royce, U.S, OS/2."""


@dataclass(frozen=True, slots=True)
class KnownName:
    """One entry of the list of known names (``LIST``)."""

    name: str
    kind: str
    """An entity type, or one of ``GIVEN_NAMES``."""
    needs_capitals: bool


def listed(text: str) -> tuple[str, ...]:
    """Split a list that is written as one text, for lists too long to quote each word."""
    return tuple(text.split())


@cache
def entries() -> tuple[KnownName, ...]:
    """Read the list of known names from its file."""
    text = resources.files(__package__).joinpath(LIST).read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, _, names = line.partition(":")
        for name in (part.strip() for part in names.split(",")):
            bare = name.removesuffix(NEEDS_CAPITALS)
            found.append(KnownName(bare, kind, needs_capitals=bare != name))
    return tuple(found)


@cache
def known(*kinds: str) -> frozenset[str]:
    """Return all names of these kinds."""
    return frozenset(entry.name for entry in entries() if entry.kind in kinds)


def find_known(text: str) -> list[Span]:
    """Find the known names in a text, except people's given names.

    A name is found as whole words. Where several names begin at one word, the longest is found.
    """
    found: list[Span] = []
    end = 0
    for token in TOKEN.finditer(text):
        if token.start() < end:
            continue
        for entry in _by_first_word().get(_first_part(token[0]), ()):
            if _stands_at(text, entry.name, token.start()):
                end = token.start() + len(entry.name)
                kind = cast("EntityType", entry.kind)
                found.append(Span(start=token.start(), end=end, text=entry.name, type=kind))
                break
    return found


def find_in_any_language(text: str) -> tuple[Span, ...]:
    """Find the known names in a text of any language, in order and without overlap.

    Names that are also common words are left out, because other languages capitalize other words.
    """
    return tuple(span for span in find_known(text) if span.text not in _words_too())


@cache
def _words_too() -> frozenset[str]:
    return frozenset(entry.name for entry in entries() if entry.needs_capitals)


def find_in_lower_case(text: str) -> Iterator[tuple[int, str]]:
    """Find names, given names included, in a text without capitals; yields the place and the name with its capitals."""
    lower = text.lower()
    if len(lower) != len(text):
        return  # A letter whose small form is longer would shift all places.
    for token in TOKEN.finditer(lower):
        for entry in _by_lower_first_word().get(_first_part(token[0]), ()):
            if _stands_at(lower, entry.name.lower(), token.start()):
                yield token.start(), entry.name
                break


def _first_part(token: str) -> str:
    """Return the word without its possessive, so that ``Google's`` is looked up as ``Google``."""
    return token.replace("’", "'").split("'")[0]


def _stands_at(text: str, name: str, start: int) -> bool:
    end = start + len(name)
    return text.startswith(name, start) and not (text[end : end + 1].isalnum() and text[end - 1 : end].isalnum())


@cache
def _by_first_word() -> dict[str, list[KnownName]]:
    return _indexed(entry for entry in entries() if entry.kind not in GIVEN_NAMES)


@cache
def _by_lower_first_word() -> dict[str, list[KnownName]]:
    return {first.lower(): names for first, names in _indexed(e for e in entries() if not e.needs_capitals).items()}


def _indexed(chosen: Iterator[KnownName]) -> dict[str, list[KnownName]]:
    index: dict[str, list[KnownName]] = {}
    for entry in sorted(chosen, key=lambda entry: -len(entry.name)):
        first = TOKEN.match(entry.name)
        if first is None:
            raise ValueError(f"{LIST}: '{entry.name}' does not begin with a word")
        index.setdefault(_first_part(first[0]), []).append(entry)
    return index
