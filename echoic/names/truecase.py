"""Puts capitals into text that has none: models that rely on capitals find almost no names without them."""

import re

from echoic.names.boundaries import TITLES
from echoic.names.known import GIVEN_NAMES, find_in_lower_case, known, listed

MAX_CAPITALS_SHARE = 0.002
"""The largest share of capitals in a text that counts as written without them; prose has 0.02 to 0.05."""

# Nobody says these short forms.
_TITLES_IN_SMALL_LETTERS = "|".join(
    title.lower() for title in TITLES if title not in listed("Sen Gen Rep Gov Col Lt Sgt")
)
_AFTER_TITLE = re.compile(
    rf"\b(?:{_TITLES_IN_SMALL_LETTERS})\b\.? "
    r"(?!of\b|the\b|and\b|is\b|was\b|in\b|said\b|has\b|had\b|to\b|who\b|for\b|i\b|he\b|she\b|it\b|or\b|at\b|on\b|as\b)"
    r"([a-z])"
)


_NEXT_WORD = re.compile(r" ([a-z][a-z'’-]{2,})")
_AFTER_GIVEN_NAMES = frozenset(
    listed(
        "the and but for nor yet with from into onto over under about after before since until while because that this "
        "these those there here then than when where who whom whose which what why how not never ever also too very "
        "just only even still already again always often once soon now today yesterday tomorrow can could may might "
        "must shall should will would did does done was were are been being has have had having get gets got goes "
        "gone went came come comes said says say told tells tell asked asks ask thinks thought think knew know knows "
        "saw see sees took take takes gave give gives made make makes left let lets put puts ran run runs sat sits "
        "stood stands felt feels found finds kept keeps held holds read reads wrote writes spoke speaks spent sent "
        "flew grew drew threw fell began bought brought built caught chose drank drove ate fought forgot heard hid hit "
        "led lay lent meant rose sold shot slept struck swam taught understood woke wore broke stole bent cut set "
        "sang lost met meets paid won wants want needs need likes like loves love lives live works work plays play "
        "moved he's she's isn't wasn't doesn't didn't couldn't won't him her his hers its their them they our out off "
        "down away back home you your all any both each every some such one two three per via upon like"
    )
)
"""Words that follow a given name more often than a surname does."""


def _may_be_surname(word: str) -> bool:
    return word not in _AFTER_GIVEN_NAMES and not word.endswith(("'s", "’s", "ing", "ed", "ly"))


def lacks_capitals(text: str) -> bool:
    """Return whether the text is written in small letters throughout, as by some transcribers."""
    letters = sum(map(str.isalpha, text))
    return letters > 0 and sum(map(str.isupper, text)) <= MAX_CAPITALS_SHARE * letters


def with_capitals(text: str) -> str:
    """Capitalize known names, the word after a title, and ``I``; every offset stays the same."""
    written = list(text)
    for start, name in find_in_lower_case(text):
        written[start : start + len(name)] = name
        surname = _NEXT_WORD.match(text, start + len(name)) if name in known(*GIVEN_NAMES) else None
        if surname is not None and _may_be_surname(surname[1]):
            written[surname.start(1)] = surname[1][0].upper()
    for found in _AFTER_TITLE.finditer(text):
        written[found.start(1)] = found[1].upper()
    for found in re.finditer(r"\bi\b", text):
        written[found.start()] = "I"
    return "".join(written)
