"""Finds houses that are called by their owner's name with an *s*, such as *Lowe's* or *Macy's*, where a model finds a person."""

import re
from collections.abc import Sequence
from dataclasses import replace

from echoic.names.known import TOKEN
from echoic.records import Span

MIN_PLACES = 2
"""The least number of places in a text by which such a name can be told."""

_POSSESSIVE = re.compile(r"['’]s\b")
_NOTHING_OWNED = re.compile(
    r"\s*(?:[.,;:?!…]|$)|\s+(?:and|or|in|at|as|is|are|was|has|have|had|to|for|on|but|we|that|which|where|who|will|stores?)\b"
)


def with_houses(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the spans, where a single word is a house's name as an organization and with its *'s*.

    It is one where the text never has it without the *'s*, and at least once names nothing that is owned after it.
    """
    ends: dict[str, list[int]] = {}
    words = {span.text for span in spans if " " not in span.text and _POSSESSIVE.match(text, span.end)}
    for token in TOKEN.finditer(text) if words else ():
        word = _POSSESSIVE.sub("", token[0])
        if word in words:
            ends.setdefault(word, []).append(token.start() + len(word))
    houses = {word for word, places in ends.items() if _is_house(text, places)}
    return tuple(
        replace(span, end=span.end + 2, text=text[span.start : span.end + 2], type="organization")
        if span.text in houses
        else span
        for span in spans
    )


def _is_house(text: str, ends: Sequence[int]) -> bool:
    after = [_POSSESSIVE.match(text, end) for end in ends]
    found = [match for match in after if match is not None]
    return (
        len(ends) >= MIN_PLACES and len(found) == len(ends) and any(_NOTHING_OWNED.match(text, m.end()) for m in found)
    )
