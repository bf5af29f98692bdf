"""How text becomes words: one rule cuts and folds the texts that are indexed, the queries, and the texts that are highlighted.

Pure.
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
"""A letter of its own, though Unicode takes it for an accented one."""


class Token(NamedTuple):
    """A word of a text, folded, and where it stands there (end exclusive)."""

    start: int
    end: int
    word: str


def tokens(text: str) -> list[Token]:
    """The words of a text in order; of scripts that put no blanks between words, each character."""
    if text.isascii():
        return [
            Token(match.start(), match.end(), match[0][:MAX_WORD_CHARACTERS])
            for match in _PLAIN_WORD.finditer(text.lower())
        ]
    found = (Token(start, end, fold(part)) for match in _WORD.finditer(text) for start, end, part in parts(match))
    return [token for token in found if token.word]


def words(text: str) -> list[str]:
    """The words of a text in order, folded, as of ``tokens``."""
    if text.isascii():
        return [word[:MAX_WORD_CHARACTERS] for word in _PLAIN_WORD.findall(text.lower())]
    return [word for match in _WORD.finditer(text) for _, _, part in parts(match) if (word := fold(part))]


def joined_words(text: str) -> list[str]:
    """The words of a text, of which a number that is written in groups is one: 5,000 is "5000"."""
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
    """The numbers of a text that are written in groups, by the place of the word in which they begin."""
    numbers = list(grouped_numbers(text))
    if not numbers:
        return {}
    starts = [token.start for token in tokens(text)]
    return {bisect_right(starts, number.start) - 1: number.digits for number in numbers}


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word without accents and capitals, its digits those of our own script; what is no letter or digit after that is gone."""
    folded = []
    for part in re.split(f"({_SHORT_I})", _SELECTOR.sub("", word[:MAX_WORD_CHARACTERS]).casefold()):
        if part == _SHORT_I:
            folded.append(part)
            continue
        plain = "".join(char for char in unicodedata.normalize("NFKD", part) if not _is_accent(char))
        folded.append(plain_digits(unicodedata.normalize("NFC", plain.translate(_FOLDED))))
    return "".join(_WORD.findall("".join(folded).casefold()))[:MAX_WORD_CHARACTERS]


def _is_accent(char: str) -> bool:
    """Accents above and below, and the points of Hebrew and Arabic; not the vowel signs of Indian scripts."""
    kind = unicodedata.combining(char)
    return kind >= 200 or 10 <= kind <= 35  # noqa: PLR2004 - Unicode's combining classes
