"""Cuts text into folded words, by one rule for indexed texts, queries and highlighted texts. Pure.

Folding removes accents and capitals, so that words match however they are spelled. ``text.written`` has the words as
they are written.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from echoic.text.numbers import GroupedNumber, grouped_numbers, plain_digits
from echoic.text.unspaced import MARKS, VARIATION_SELECTORS, parts

MAX_WORD_CHARACTERS = 100

_WORD = re.compile(rf"(?:[^\W_]|[{MARKS}{VARIATION_SELECTORS}])+")
# The same for texts that are ASCII throughout, ten times as fast.
_PLAIN_WORD = re.compile(r"[a-z0-9]+")
_FOLDED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t", "ŋ": "n"}
)
_SELECTOR = re.compile(f"[{VARIATION_SELECTORS}]")
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
    """Return the folded words of a text, with each number in groups joined to one word: 5,000 becomes "5000"."""
    joined: list[str] = []
    numbers = {number.start: number for number in grouped_numbers(text)}
    open_number: GroupedNumber | None = None
    for token in tokens(text):
        if open_number is not None and token.end <= open_number.end:
            continue
        open_number = numbers.get(token.start)
        joined.append(token.word if open_number is None else open_number.digits)
    return joined


def number_places(text: str) -> dict[int, str]:
    """Return the numbers of a text that are written in groups, by the index of the word at which they begin."""
    numbers = list(grouped_numbers(text))
    if not numbers:
        return {}
    starts = [token.start for token in tokens(text)]
    return {bisect_right(starts, number.start) - 1: number.digits for number in numbers}


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Remove accents and capitals, write digits as 0 to 9, and drop everything that is no letter or digit."""
    folded = []
    for part in re.split(f"({_SHORT_I})", _SELECTOR.sub("", word[:MAX_WORD_CHARACTERS]).casefold()):
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
