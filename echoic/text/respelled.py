"""Words that a text writes with marks which cut them or are lost: numbers in groups (5,000), and names such as C++ and C#. Pure."""

import re
from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple
from unicodedata import normalize

from echoic.text.numbers import grouped_numbers

# A letter or two before a sharp, so that "issue#5" stays as it is; full-width signs and the musical sharp as well.
_LETTER = "A-Za-z\uff21-\uff3a\uff41-\uff5a"
_SIGNED = re.compile(
    rf"(?<![{_LETTER}0-9])(?:[{_LETTER}]+[+\uff0b]{{2}}|[{_LETTER}]{{1,2}}[#\uff03\u266f])(?![{_LETTER}0-9+#])"
)


class Respelled(NamedTuple):
    """A word with marks: its place in a text (end exclusive), and the word by which it is found as a whole."""

    start: int
    end: int
    word: str


def respelled(text: str) -> Iterator[Respelled]:
    """Find the words with marks of a text, in order and without overlap."""
    numbers = (Respelled(number.start, number.end, number.digits) for number in grouped_numbers(text))
    signed = (
        Respelled(match.start(), match.end(), normalize("NFKC", match[0]).lower().replace("\u266f", "#"))
        for match in _SIGNED.finditer(text)
    )
    return merge(numbers, signed)
