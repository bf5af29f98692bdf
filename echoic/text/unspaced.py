"""Scripts that put no blanks between words: there each character counts as a word. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_PURE_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x3FFFF))
"""Han alone, without marks and digits: looking at each of these code points would prolong the start of every process."""
_MIXED_RANGES = (
    # Han, kana and bopomofo.
    *((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3031, 0x3035), (0x3038, 0x303C), (0x3041, 0x312F)),
    *((0x31A0, 0x31BF), (0x31F0, 0x31FF), (0xF900, 0xFAFF), (0xFF66, 0xFF9D), (0x1AFF0, 0x1B16F)),
    # The scripts of class SA (complex context) in Unicode's line breaking, UAX 14: Thai, Lao, Burmese, Khmer and others.
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0xA9E0, 0xA9FF)),
    *((0xAA60, 0xAADF), (0x11700, 0x1174F)),
)
_HANGUL = "\u3131-\u318e\uac00-\ud7a3"
VARIATION_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Characters that choose among the shapes of the character before them."""
_WITH_MARKS = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x10000))
MARKS = "".join(chr(code) for codes in _WITH_MARKS for code in codes if unicodedata.category(chr(code))[0] == "M")
"""Accents and vowel signs: Unicode counts those of many scripts as marks, not letters."""


def _letters(ranges: Iterable[tuple[int, int]]) -> str:
    """The letters in these ranges of code points, as a class of a regular expression; without digits and marks."""
    parts: list[str] = []
    for first, last in ranges:
        begin: int | None = None
        for code in range(first, last + 2):
            is_letter = code <= last and unicodedata.category(chr(code)) not in ("Mn", "Mc", "Nd")
            if is_letter and begin is None:
                begin = code
            elif not is_letter and begin is not None:
                parts.append(f"{chr(begin)}-{chr(code - 1)}")
                begin = None
    return "".join(parts)


SPACELESS = _letters(_MIXED_RANGES) + "".join(f"{chr(first)}-{chr(last)}" for first, last in _PURE_RANGES)
"""Letters of the scripts that are written without spaces, as a class of a regular expression."""
# Half-width kana have their voicing marks as letters.
_SIGNS = rf"[{MARKS}{VARIATION_SELECTORS}\uff9e\uff9f]*"
SPACELESS_CLUSTER = rf"[{SPACELESS}]{_SIGNS}"
"""Such a letter with its vowel signs and accents, as a regular expression."""

# The index cuts Hangul, too: its words have spaces, but carry their particles. Hangul may be written as its parts.
_LETTER = SPACELESS + _HANGUL
_CLUSTER = (
    rf"(?:[\u1100-\u115f\ua960-\ua97c]+[\u1160-\u11a7\ud7b0-\ud7c6]+[\u11a8-\u11ff\ud7cb-\ud7fb]*|[{_LETTER}])"
    rf"{_SIGNS}"
)
_BEGINS = re.compile(rf"[\u1100-\u115f\ua960-\ua97c{_LETTER}]")
_PARTS = re.compile(rf"{_CLUSTER}|[^\u1100-\u115f\ua960-\ua97c{_LETTER}]+|.", re.DOTALL)


def parts(run: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Cut a run of letters and digits into the characters of unspaced scripts and the stretches between them.

    Yields start, end and text of each part. The starts and ends are places in the text that was matched.
    """
    if _BEGINS.search(run[0]) is None:
        yield run.start(), run.end(), run[0]
        return
    for part in _PARTS.finditer(run[0]):
        yield run.start() + part.start(), run.start() + part.end(), part[0]


def is_unspaced(word: str) -> bool:
    """Return whether a word of the index is a character of an unspaced script."""
    return not word.isascii() and _BEGINS.match(word) is not None
