"""Numbers whose digits are written in groups: "5,000", "1.250,50", "1 250,50", "12,34,567"; pure.

Which mark parts groups and which the decimals differs from country to country, and speech recognizers mix them. So a mark
counts as one of grouping where groups of the right size stand around it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MIN_GROUPED_DIGITS = 4
BLANKS = " \u00a0\u2009\u202f"

# Commas and points in their Arabic and full-width forms, too; Swiss apostrophes.
_COMMAS, _POINTS, _APOSTROPHES = ",\uff0c\u066c", ".\uff0e", "'\u2019"
# Groups of three, or as in India, of two before the last three. What goes on with the same mark is a date, an address or a
# version; what begins with a zero is a part of decimals.
_GROUPED = re.compile(
    rf"""(?<!\d) (?<!\d[{_COMMAS}{_POINTS}{_APOSTROPHES}]) (?!0) (?:
        \d{{1,3}} (?P<mark>[{_COMMAS}{_POINTS}{_APOSTROPHES}{BLANKS}]) \d{{3}} (?:(?P=mark)\d{{3}})* (?!\d|(?P=mark)\d)
        | \d{{1,2}} (?:[{_COMMAS}]\d{{2}})+ [{_COMMAS}]\d{{3}} (?!\d|[{_COMMAS}]\d)
    )""",
    re.VERBOSE,
)


class GroupedNumber(NamedTuple):
    """Where in a text a number with groups stands, without its decimals (end exclusive); and its digits alone."""

    start: int
    end: int
    digits: str


def grouped_numbers(text: str) -> Iterator[GroupedNumber]:
    """The numbers of a text that are written in groups, in order."""
    for match in _GROUPED.finditer(text):
        digits = "".join(char for char in match[0] if char.isdecimal())
        yield GroupedNumber(match.start(), match.end(), plain_digits(digits))


def plain_digits(text: str) -> str:
    """The text with the decimal digits of all scripts as our own."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def spellings(word: str) -> list[tuple[str, ...]]:
    """The ways in which a word is written as words of the index: as it is, and a number in groups."""
    if not (word.isascii() and word.isdecimal()) or len(word) < MIN_GROUPED_DIGITS or word.startswith("0"):
        return [(word,)]
    return list(dict.fromkeys([(word,), _grouped(word, 3), _grouped(word, 2)]))


def _grouped(number: str, size: int) -> tuple[str, ...]:
    """Groups of a size, but for the last one of three digits."""
    before, last = number[:-3], number[-3:]
    first = len(before) % size
    return (
        *([before[:first]] if first else []),
        *(before[at : at + size] for at in range(first, len(before), size)),
        last,
    )
