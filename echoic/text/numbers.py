"""Numbers whose digits are written in groups: "5,000", "1.250,50", "1 250,50", "12,34,567"; pure.

Countries differ in the mark between groups and the mark before decimals, and speech recognizers mix the two. A mark
therefore counts as one between groups where the groups around it have the right sizes.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MIN_GROUPED_DIGITS = 4
BLANKS = " \u00a0\u2009\u202f"

# Commas and points in their Arabic and full-width forms, too; Swiss apostrophes.
_COMMAS, _POINTS, _APOSTROPHES = ",\uff0c\u066c", ".\uff0e", "'\u2019"
# Groups of three digits; in India groups of two before the last three. A date, an address or a version goes on with the
# same mark, and decimals may begin with a zero: neither is a number in groups.
_GROUPED = re.compile(
    rf"""(?<!\d) (?<!\d[{_COMMAS}{_POINTS}{_APOSTROPHES}]) (?!0) (?:
        \d{{1,3}} (?P<mark>[{_COMMAS}{_POINTS}{_APOSTROPHES}{BLANKS}]) \d{{3}} (?:(?P=mark)\d{{3}})* (?!\d|(?P=mark)\d)
        | \d{{1,2}} (?:[{_COMMAS}]\d{{2}})+ [{_COMMAS}]\d{{3}} (?!\d|[{_COMMAS}]\d)
    )""",
    re.VERBOSE,
)


class GroupedNumber(NamedTuple):
    """A number in groups: its place in a text (end exclusive), and its digits. Neither includes the decimals."""

    start: int
    end: int
    digits: str


def grouped_numbers(text: str) -> Iterator[GroupedNumber]:
    """Find the numbers of a text that are written in groups, in order."""
    for match in _GROUPED.finditer(text):
        digits = "".join(char for char in match[0] if char.isdecimal())
        yield GroupedNumber(match.start(), match.end(), plain_digits(digits))


def plain_digits(text: str) -> str:
    """Write the decimal digits of all scripts as 0 to 9."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def spellings(word: str) -> list[tuple[str, ...]]:
    """The sequences of index words by which a text may write this word: the word itself and, for a number, its groups."""
    if not (word.isascii() and word.isdecimal()) or len(word) < MIN_GROUPED_DIGITS or word.startswith("0"):
        return [(word,)]
    return list(dict.fromkeys([(word,), _grouped(word, 3), _grouped(word, 2)]))


def _grouped(number: str, size: int) -> tuple[str, ...]:
    """Cut a number into groups of ``size`` digits before a last group of three."""
    before, last = number[:-3], number[-3:]
    first = len(before) % size
    return (
        *([before[:first]] if first else []),
        *(before[at : at + size] for at in range(first, len(before), size)),
        last,
    )
