"""Finds the words of a text in it. Pure."""

from collections.abc import Iterable


def places_of_words(text: str, words: Iterable[str]) -> list[tuple[int, int]] | None:
    """Return where each word stands in a text, end exclusive; None where the words are not those of the text."""
    places, cursor = [], 0
    for word in words:
        start = text.find(word, cursor)
        if start < 0 or text[cursor:start].strip():
            return None
        cursor = start + len(word)
        places.append((start, cursor))
    return None if places and text[cursor:].strip() else places
