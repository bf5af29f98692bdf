"""Finds a text in the segments of a transcript and puts another in its place. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """What is looked for, and what is to stand there instead."""

    find: str
    replace: str
    match_case: bool = False
    whole_words: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """The texts that became others, and how often something was replaced in them."""

    texts: dict[int, str]
    replacements: int


def replaced(texts: Mapping[int, str], wanted: Replacement) -> Replaced:
    """Replace in each text by itself: what is split between two is not found. A blank in ``find`` is any white space."""
    pattern = _pattern(wanted)
    found: dict[int, str] = {}
    replacements = 0
    for place, text in texts.items():
        new, count = pattern.subn(lambda _: wanted.replace, text)
        if count and new != text:
            found[place] = new
            replacements += count
    return Replaced(texts=found, replacements=replacements)


def _pattern(wanted: Replacement) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(part) for part in re.split(r"\s+", wanted.find))
    if wanted.whole_words:
        words = rf"(?<!\w){words}(?!\w)"
    return re.compile(words, 0 if wanted.match_case else re.IGNORECASE)
