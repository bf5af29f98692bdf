"""Finds names by what people say around them in English talk: whom they greet, thank and introduce, and for whom somebody works."""

import re
from collections.abc import Iterator, Sequence

from echoic.names.boundaries import NOT_NAMES
from echoic.names.common import Usage
from echoic.names.known import known
from echoic.records import EntityType, Span

_WORD = r"[A-ZÀ-ÞŁŚŽ][\w'’-]*\w"
_INITIAL = r"[A-Z]\."
_ONE = rf"(?P<name>{_WORD})"
_FULL = rf"(?P<name>{_WORD}(?:\s+(?:{_INITIAL}|(?:van|von|de|der|den|del|la|bin|al)\s+{_WORD}|{_WORD})){{1,3}})"
_ENDS = r"(?=[.,;:?!…]|\s+(?:and|with|from|of|at|for|on|in|your|our|you)\b|\s*$)"
_GREETING = (
    r"(?:[Tt]hanks(?:\s+(?:again|so much|very much|a lot))?|[Tt]hank you(?:\s+(?:again|so much|very much))?|[Hh]i|[Hh]ey|[Hh]ello"
    r"|[Gg]ood\s+(?:morning|afternoon|evening|day|question)|[Gg]reat\s+question|[Mm]orning|[Ww]elcome|[Gg]oodbye|[Bb]ye"
    r"|[Ss]orry|[Cc]ongratulations|[Cc]ongrats|[Ss]ure|[Yy]eah|[Yy]es|[Yy]ep|[Oo]kay|OK|[Gg]reat|[Rr]ight|[Aa]bsolutely|[Nn]o)"
)
_ROLE = (
    r"(?:C[EFOTIM]O|(?:[Cc]hief|CHIEF)\s+(?:\w+\s+){1,3}?[Oo]fficer|[Pp]resident|[Cc]hairman|[Cc]hairwoman|[Cc]o-?[Ff]ounder"
    r"|[Ff]ounder|[Tt]reasurer|[Cc]ontroller|[Gg]eneral\s+[Cc]ounsel|[Dd]irector|[Aa]nalyst|[Hh]ost|[Cc]olleague"
    r"|[Ii]nvestor\s+[Rr]elations)"
)

_PEOPLE = (
    re.compile(rf"\b{_GREETING},?\s+{_ONE}{_ENDS}"),
    re.compile(rf"\b{_GREETING},?\s+{_FULL}{_ENDS}"),
    re.compile(rf"\b[Mm]y name(?:\s+is|['’]s)\s+{_ONE}"),
    re.compile(rf"\b[Mm]y name(?:\s+is|['’]s)\s+{_FULL}"),
    re.compile(rf"\b(?:[Tt]his is|[Ii]t['’]s|I['’]m|I am)\s+(?:actually\s+)?{_FULL}{_ENDS}"),
    re.compile(
        rf"\b(?:[Tt]his is|[Ii]t['’]s)\s+(?:actually\s+)?{_ONE}(?=[.,?!]?\s+(?:on\s+for|in\s+for|here|speaking)\b)"
    ),
    re.compile(rf"\bthe\s+line\s+of\s+{_FULL}{_ENDS}"),
    re.compile(
        rf"\b(?:questions?|call)\s+(?:(?:today|now)\s+)?(?:comes?|is|will come|will be)\s+from\s+{_FULL}{_ENDS}"
    ),
    re.compile(rf"\bover\s+to\s+(?:our\s+(?:[\w-]+\s+){{1,6}}?)?{_ONE}{_ENDS}"),
    re.compile(rf"\bover\s+to\s+(?:our\s+(?:[\w-]+\s+){{1,6}}?)?{_FULL}{_ENDS}"),
    re.compile(rf"\b{_ROLE},?\s+{_FULL}{_ENDS}"),
    re.compile(rf"(?<![\w'’-]){_FULL}(?=,\s+(?:our\s+|the\s+|an?\s+)?(?:[\w-]+\s+){{0,3}}?{_ROLE}\b)"),
)

_COMPANY_WORD = r"[A-Z][\w'’&.-]*\w|[A-Z]|&"
_COMPANY = rf"(?P<name>(?!&)(?:{_COMPANY_WORD})(?:\s+(?:(?:of|and)\s+)?(?:{_COMPANY_WORD})){{0,4}})"
_WORKS_FOR = re.compile(rf"\s+(?:with|from|of|at)\s+(?:the\s+)?{_COMPANY}")


def find_people(text: str, usage: Usage) -> Iterator[Span]:
    """Find people who are greeted, thanked, introduced or named beside their role."""
    for pattern in _PEOPLE:
        for found in pattern.finditer(text):
            span = Span(start=found.start("name"), end=found.end("name"), text=found["name"], type="person")
            if _may_be_person(span.text, usage):
                yield span


def find_employers(text: str, people: Sequence[Span], usage: Usage) -> Iterator[Span]:
    """Find the organizations that people with full names work for: ``Ludo Zabriskie with Umbra Capital``."""
    for person in people:
        if " " not in person.text:
            continue
        found = _WORKS_FOR.match(text, person.end)
        if found is not None and found["name"] not in known("place") and usage.may_be_name(found["name"].split()[0]):
            yield Span(start=found.start("name"), end=found.end("name"), text=found["name"], type="organization")


def _may_be_person(name: str, usage: Usage) -> bool:
    words = name.split()
    if any(word.lower() in NOT_NAMES for word in words):
        return False
    if any(usage.is_common(word) for word in words) or name in _named_otherwise():
        return False
    # One word needs more: that the text never uses it as a word.
    return len(words) > 1 or usage.may_be_name(name)


def _named_otherwise() -> frozenset[str]:
    kinds: tuple[EntityType, ...] = ("place", "organization", "product")
    return known(*kinds)
