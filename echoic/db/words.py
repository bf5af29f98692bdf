"""How text becomes the words of the search index, and what an index entry says of them; pure, knows no SQL.

The same rule cuts and folds the texts that are indexed, the queries, and the texts that are highlighted.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from echoic.db.numbers import GroupedNumber, grouped_numbers, plain_digits
from echoic.db.unspaced import MARKS, VARIATION_SELECTORS, lexeme_at, parts

MAX_WORD_CHARACTERS = 100
MAX_ENTRY_WORDS = 10_000
"""A position in a tsvector is at most 16,383."""
OVERLAP_WORDS = 8
"""An entry also holds so many words that follow its text: phrases reach over the end of a segment."""
MAX_LEVEL = 6
"""A word that occurs so often in one segment does not rank higher for occurring more often."""

STEM = "~"
"""Marks a stem, so that it is no word: phrases and prefixes look at words, single words at stems."""
LEVEL = "~~{level}~"
"""Marks a stem that occurs at least ``level`` times in the entry."""
DATASET, ITEM, SPEAKER = "@d", "@i", "@s"
"""Mark the entry's dataset, item and speaker: searches narrowed to few of these look them up together with the words."""

DICTIONARIES: Mapping[str, str] = {
    "ar": "arabic_stem",
    "ca": "catalan_stem",
    "da": "danish_stem",
    "de": "german_stem",
    "el": "greek_stem",
    "en": "english_stem",
    "es": "spanish_stem",
    "et": "estonian_stem",
    "eu": "basque_stem",
    "fi": "finnish_stem",
    "fr": "french_stem",
    "ga": "irish_stem",
    "hi": "hindi_stem",
    "hu": "hungarian_stem",
    "hy": "armenian_stem",
    "id": "indonesian_stem",
    "it": "italian_stem",
    "lt": "lithuanian_stem",
    "ne": "nepali_stem",
    "nl": "dutch_stem",
    "nn": "norwegian_stem",
    "no": "norwegian_stem",
    "pt": "portuguese_stem",
    "ro": "romanian_stem",
    "ru": "russian_stem",
    "sr": "serbian_stem",
    "sv": "swedish_stem",
    "ta": "tamil_stem",
    "tr": "turkish_stem",
    "yi": "yiddish_stem",
}
"""The stemmer for each language; PostgreSQL 14 has all but the newest ones."""
PLAIN = "simple"
"""The dictionary for every other language: words stay as they are."""

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


def entry_vector(
    own: Sequence[str],
    following: Sequence[str],
    stems: Mapping[str, str | None],
    marks: Iterable[str],
    numbers: Mapping[int, str] | None = None,
) -> str:
    """An index entry as the text of a tsvector.

    Words stand at their positions, as ``lexeme_at`` has them, those that follow with weight C; stems at the positions of
    their words; ``marks`` anywhere. ``stems`` has None for stop words: they are found in phrases only. ``numbers``, by
    places as of ``number_places``, stand beside the first of their groups, as words and as stems.
    """
    own = own[:MAX_ENTRY_WORDS]
    spoken = [*own, *following[:OVERLAP_WORDS]]
    places: dict[str, list[str]] = {}
    for place, word in enumerate(spoken):
        position = place + 1
        is_own = place < len(own)
        places.setdefault(lexeme_at(spoken, place), []).append(f"{position}" if is_own else f"{position}C")
        stem = stems[word] if is_own else None
        if stem is not None:
            places.setdefault(STEM + stem, []).append(f"{position}")
        number = (numbers or {}).get(place)
        if number is not None and is_own:
            for lexeme in (number, STEM + number):
                places.setdefault(lexeme, []).append(f"{position}")
    levels = [
        LEVEL.format(level=level) + lexeme[len(STEM) :]
        for lexeme, positions in places.items()
        if lexeme.startswith(STEM)
        for level in range(2, min(len(positions), MAX_LEVEL) + 1)
    ]
    parts = [f"{quoted(lexeme)}:{','.join(positions)}" for lexeme, positions in places.items()]
    return " ".join(parts + [quoted(lexeme) for lexeme in (*levels, *marks)])


def marks_of(*, dataset_id: int, item_id: int, speaker: str | None = None) -> tuple[str, ...]:
    """The marks of an entry."""
    marks = (f"{DATASET}{dataset_id}", f"{ITEM}{item_id}")
    return marks if speaker is None else (*marks, speaker_mark(speaker))


def speaker_mark(name: str) -> str:
    """What segments of a speaker of this name or label are marked with."""
    return SPEAKER + name.lower()[:MAX_WORD_CHARACTERS]


def quoted(lexeme: str) -> str:
    """A lexeme as tsvector and tsquery take it."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def slips(word: str) -> set[str]:
    """The word, and the word without any one of its letters.

    Two words one slip apart (a letter more, less, wrong, or two neighbors swapped) have one of these in common: the
    symmetric deletion of W. Garbe's SymSpell (2012).
    """
    return {word, *(word[:index] + word[index + 1 :] for index in range(len(word)))}


def one_slip_apart(first: str, second: str) -> bool:
    """Whether one letter more, less, wrong, or two neighbors swapped make one word the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    same = next((index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    if len(first) < len(second):
        return first[same:] == second[same + 1 :]
    rest, other = first[same:], second[same:]
    return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
