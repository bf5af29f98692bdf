"""Finds the ends of sentences and clauses. Pure."""

import re

SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
CLAUSE_ENDS = (",", ";", ":", "、", "，")
ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "vs."})

_END = re.compile(rf"[{''.join(SENTENCE_ENDS)}](?=\s|$)")


def ends_sentence(text: str) -> bool:
    """Return whether the text ends a sentence. An abbreviation such as ``Dr.`` does not."""
    ending = text.rstrip()
    return ending.endswith(SENTENCE_ENDS) and ending.rsplit(maxsplit=1)[-1].lower() not in ABBREVIATIONS


def ends_clause(text: str) -> bool:
    """Return whether the text ends a clause within a sentence."""
    return text.rstrip().endswith(CLAUSE_ENDS)


def sentence_around(text: str, start: int, end: int) -> str:
    """Return the sentence, or sentences, in which the characters from ``start`` to ``end`` stand."""
    ends = [found.end() for found in _END.finditer(text) if ends_sentence(text[: found.end()])]
    first = max((place for place in ends if place <= start), default=0)
    last = next((place for place in ends if place > end), len(text))
    return text[first:last].strip()
