"""Chooses the indexed words that are searched for beside a rare word of a query, and has the limits for it. Pure.

They are those within one edit of it and, in languages that join words, those that hold it.
"""

import re
from collections.abc import Iterable

from echoic.text.edits import one_edit_apart

FEW_MATCHES = 5
"""A query with fewer matches than this is searched again with similar words beside its own."""
MAX_SIMILAR_WORDS = 5
"""Of one word."""
SIMILAR_WEIGHT = 0.3
"""The part of a word's weight that words similar to it have."""
MIN_CHARACTERS, MAX_CHARACTERS = 4, 30
"""Words of such lengths have similar words: shorter ones are a letter away from too many others."""


COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "nl", "nn", "no", "sv"})
"""Languages that write compounds as one word, of those with a stemmer."""
MIN_PART_CHARACTERS = 6
"""Shorter words stand in too many others of which they are no part."""
MIN_REST_CHARACTERS = 3
"""The least of a compound beside the part; an ending is shorter."""
MAX_COMPOUND_CHARACTERS = 60
MAX_COMPOUNDS = 20
"""Of one word."""
_ENDING = re.compile(r"(?<=.{6})(?:en|e|er|es|n|s)$")
# Of German: what they make of a word is another word of the same stem, no compound.
_PREFIXES = frozenset(
    [
        "abzu",
        "anzu",
        "auf",
        "aus",
        "bei",
        "durch",
        "ein",
        "emp",
        "ent",
        "ver",
        "zer",
        "mit",
        "nach",
        "uber",
        "unter",
        "vor",
        "weg",
        "zuruck",
        "miss",
        "abge",
        "ange",
    ]
)
_SUFFIX = re.compile(
    r"(?:lich|isch|chen|lein|haft|ier|ung)|(?:ig|bar|los|sam|end)(?:e[mnrs]?|st.*|er.*|keit.*)?$|t?e[nrst]?[mst]?$"
)


def similar_to(word: str, indexed: Iterable[str]) -> tuple[str, ...]:
    """Return the indexed words within one edit of a word, in alphabetical order."""
    return tuple(sorted(other for other in indexed if one_edit_apart(word, other))[:MAX_SIMILAR_WORDS])


def holding(word: str, indexed: Iterable[str]) -> tuple[str, ...]:
    """Return the indexed words that are compounds with a word, the shortest first.

    The word may stand anywhere: ``schifffahrt`` is found in *donaudampfschifffahrt* and in *schifffahrtsamt*.
    """
    part = compound_part(word)
    found = {other for other in indexed if _holds(other, part)} if part else set()
    return tuple(sorted(found, key=lambda other: (len(other), other))[:MAX_COMPOUNDS])


def compound_part(word: str) -> str | None:
    """Return a word as it stands in compounds, without its ending; None if it is too short to be told there."""
    part = _ENDING.sub("", word)
    return part if len(part) >= MIN_PART_CHARACTERS and part.isalpha() else None


def _holds(word: str, part: str) -> bool:
    before, found, after = word.partition(part)
    if not found or len(word) > MAX_COMPOUND_CHARACTERS:
        return False
    if len(before) >= MIN_REST_CHARACTERS:
        return before not in _PREFIXES
    return not before and len(after) >= MIN_REST_CHARACTERS and not _SUFFIX.match(after)
