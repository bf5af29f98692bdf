"""Capitals for text that has none: models that live off them find next to nothing without."""

import re

from echoic.engines.naming.boundaries import TITLES
from echoic.engines.naming.known import find_in_lower_case, words

MAX_CAPITALS_SHARE = 0.002
"""Text counts as written without capitals where no more of its letters are; prose has 2 to 5 in a hundred."""

# The other short forms, ``sen`` or ``gen``, are not said.
_TITLES_IN_SMALL_LETTERS = "|".join(
    title.lower() for title in TITLES if title not in words("Sen Gen Rep Gov Col Lt Sgt")
)
_AFTER_TITLE = re.compile(
    rf"\b(?:{_TITLES_IN_SMALL_LETTERS})\b\.? "
    r"(?!of\b|the\b|and\b|is\b|was\b|in\b|said\b|has\b|had\b|to\b|who\b|for\b|i\b|he\b|she\b|it\b|or\b|at\b|on\b|as\b)"
    r"([a-z])"
)


def lacks_capitals(text: str) -> bool:
    """Whether the text is as some transcribers write it: small letters throughout."""
    letters = sum(map(str.isalpha, text))
    return letters > 0 and sum(map(str.isupper, text)) <= MAX_CAPITALS_SHARE * letters


def with_capitals(text: str) -> str:
    """The text with known names, what follows a title, and ``I`` written with capitals; every offset stays."""
    written = list(text)
    for start, name in find_in_lower_case(text):
        written[start : start + len(name)] = name
    for found in _AFTER_TITLE.finditer(text):
        written[found.start(1)] = found[1].upper()
    for found in re.finditer(r"\bi\b", text):
        written[found.start()] = "I"
    return "".join(written)
