"""The lexemes of the search index: what an entry holds of its text, and what a phrase looks for. Pure, knows no SQL.

Characters of scripts that put no blanks between words are indexed each together with its successor. A word of such a
script is looked for as the sequence of its characters, so no dictionary has to know it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from echoic.search.language import OVERLAP_WORDS
from echoic.text.unspaced import is_unspaced
from echoic.text.words import MAX_WORD_CHARACTERS

MAX_ENTRY_WORDS = 10_000
"""A position in a tsvector is at most 16,383."""
MAX_LEVEL = 6
"""A word that occurs so often in one segment does not rank higher for occurring more often."""

STEM = "~"
"""Marks a stem, so that it is no word: phrases and prefixes look at words, single words at stems."""
LEVEL = "~~{level}~"
"""Marks a stem that occurs at least ``level`` times in the entry."""
DATASET, ITEM, SPEAKER = "@d", "@i", "@s"
"""Mark the entry's dataset, item and speaker: searches narrowed to few of these look them up together with the words."""
BLOCK = "@b{bits}_{number}"
"""Marks the block of items that the entry's item is in: those whose ids are the same but for so many of their last bits."""
BLOCK_BITS = (5, 8, 11, 14)
"""Of each entry's blocks. Searches for what is common look it up together with the blocks of some newest items."""

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


def entry_vector(
    own: Sequence[str],
    following: Sequence[str],
    stems: Mapping[str, str | None],
    marks: Iterable[str],
    numbers: Mapping[int, str] | None = None,
) -> str:
    """Return an index entry as the text of a tsvector.

    Words stand at their positions, as ``lexeme_at`` has them, those that follow with weight C; stems at the positions of
    their words; ``marks`` anywhere. ``stems`` has None for stop words: they are found in phrases only. ``numbers``, by
    places as of ``marked_places``, stand beside the first of their groups, as words and as stems.
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
    """Return the marks of an entry."""
    blocks = (BLOCK.format(bits=bits, number=item_id >> bits) for bits in BLOCK_BITS)
    marks = (f"{DATASET}{dataset_id}", f"{ITEM}{item_id}", *blocks)
    return marks if speaker is None else (*marks, speaker_mark(speaker))


def speaker_mark(name: str) -> str:
    """Return what segments of a speaker of this name or label are marked with."""
    return SPEAKER + name.lower()[:MAX_WORD_CHARACTERS]


def quoted(lexeme: str) -> str:
    """Return a lexeme as tsvector and tsquery take it."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def any_of(lexemes: Iterable[str]) -> str:
    """Return the tsquery for entries that hold one of these lexemes."""
    return " | ".join(map(quoted, lexemes))


def lexeme_at(words: Sequence[str], place: int) -> str:
    """Return the index' entry at the place of a word: such a character together with the next one, all else as it is.

    Pairs are far rarer than characters, so that a word of a few characters is found without reading most of the index.
    """
    word = words[place]
    if place + 1 < len(words) and is_unspaced(word) and is_unspaced(words[place + 1]):
        return word + words[place + 1]
    return word


class Sought(NamedTuple):
    """A lexeme that a phrase looks for."""

    place: int
    """Counted in words from the beginning of the phrase."""
    lexeme: str
    beginning: bool
    """Whether lexemes that begin so are meant as well."""


def sought_in_phrase(words: Sequence[str], *, open_end: bool) -> list[Sought]:
    """Return the lexemes that stand in every entry that holds these words one after the other."""
    found: list[Sought] = []
    for place, word in enumerate(words):
        lexeme = lexeme_at(words, place)
        alone = lexeme == word and is_unspaced(word)
        if alone and place > 0 and is_unspaced(words[place - 1]):
            continue  # The pair before holds it.
        # In the text, an unspaced character may go on to be a pair with one that the phrase does not name.
        found.append(Sought(place, lexeme, alone))
    if open_end:
        found[-1] = found[-1]._replace(beginning=True)
    return found
