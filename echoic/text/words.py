"""Cuts text into folded words, by one rule for indexed texts, queries and highlighted texts. Pure.

Folding removes accents and capitals, so that words match however they are spelled. ``text.written`` has the words as
they are written.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from echoic.text.numbers import plain_digits
from echoic.text.respelled import Respelled, respelled
from echoic.text.unspaced import MARKS, VARIATION_SELECTORS, parts

MAX_WORD_CHARACTERS = 100

_UNSEEN = f"\u00ad\u200d\u2060\ufeff{VARIATION_SELECTORS}"
"""Soft hyphens and joiners, which nobody sees within a word, and selectors."""
_APOSTROPHES = "\u02b9-\u02bf"
"""Apostrophes, primes and half rings that Unicode counts as letters: they cut a word, as all apostrophes do."""
_WORD = re.compile(rf"(?:[^\W_{_APOSTROPHES}]|[{MARKS}{_UNSEEN}])+")
# The same for texts that are ASCII throughout, ten times as fast.
_PLAIN_WORD = re.compile(r"[a-z0-9]+")
_FOLDED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t", "ŋ": "n"}
)
_HIDDEN = re.compile(f"[{_UNSEEN}]")
_SHORT_I = "й"
"""A letter of its own, although Unicode decomposes it into a letter and an accent."""


class Token(NamedTuple):
    """A folded word, and its place in the text (end exclusive)."""

    start: int
    end: int
    word: str


def tokens(text: str) -> list[Token]:
    """Return the folded words of a text with their places, in order.

    In scripts that put no blanks between words, each character is a word.
    """
    if text.isascii():
        return [
            Token(match.start(), match.end(), match[0][:MAX_WORD_CHARACTERS])
            for match in _PLAIN_WORD.finditer(text.lower())
        ]
    found = (Token(start, end, fold(part)) for match in _WORD.finditer(text) for start, end, part in parts(match))
    return [token for token in found if token.word]


def words(text: str) -> list[str]:
    """Return the folded words of a text in order: those of ``tokens`` without their places."""
    if text.isascii():
        return [word[:MAX_WORD_CHARACTERS] for word in _PLAIN_WORD.findall(text.lower())]
    return [word for match in _WORD.finditer(text) for _, _, part in parts(match) if (word := fold(part))]


def joined_words(text: str) -> list[str]:
    """Return the folded words of a text, each word with marks as one: 5,000 becomes "5000", C++ stays "c++"."""
    joined: list[str] = []
    marked = {word.start: word for word in respelled(text)}
    open_word: Respelled | None = None
    for token in tokens(text):
        if open_word is not None and token.end <= open_word.end:
            continue
        open_word = marked.get(token.start)
        joined.append(token.word if open_word is None else open_word.word)
    return joined


def marked_places(text: str) -> dict[int, str]:
    """Return the words with marks of a text, as ``respelled`` has them, by the index of the word at which they begin."""
    marked = list(respelled(text))
    if not marked:
        return {}
    starts = [token.start for token in tokens(text)]
    return {bisect_right(starts, word.start) - 1: word.word for word in marked}


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Remove accents and capitals, write digits as 0 to 9, and drop everything that is no letter or digit."""
    folded = []
    for part in re.split(f"({_SHORT_I})", _HIDDEN.sub("", word[:MAX_WORD_CHARACTERS]).casefold()):
        if part == _SHORT_I:
            folded.append(part)
            continue
        plain = without_accents(part).translate(_FOLDED)
        folded.append(plain_digits(unicodedata.normalize("NFC", plain)))
    return "".join(_WORD.findall("".join(folded).casefold()))[:MAX_WORD_CHARACTERS]


def without_accents(text: str) -> str:
    """Decompose the letters, and drop accents and the points of Hebrew and Arabic (Unicode's form NFKD)."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not _is_accent(char))


def _is_accent(char: str) -> bool:
    """Return whether a character is an accent or a point of Hebrew or Arabic.

    The vowel signs of Indian scripts are none: they are parts of the word.
    """
    kind = unicodedata.combining(char)
    return kind >= 200 or 10 <= kind <= 35  # noqa: PLR2004 - Unicode's combining classes
