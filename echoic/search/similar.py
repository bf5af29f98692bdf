"""Chooses the indexed words within one edit of a query's word, and has the limits for searching with them. Pure."""

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


def similar_to(word: str, indexed: Iterable[str]) -> tuple[str, ...]:
    """Return the indexed words within one edit of a word, in alphabetical order."""
    return tuple(sorted(other for other in indexed if one_edit_apart(word, other))[:MAX_SIMILAR_WORDS])
