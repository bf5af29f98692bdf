"""Suggests names for speakers from what is said in a transcript; a person decides. Pure.

English phrases only. "I'm Anna Weber" names who says it; "my guest today is Anna Weber" names who speaks next.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from echoic.records import Segment
from echoic.text.sentences import sentence_around

MAX_SUGGESTIONS = 5
"""The most suggestions for one label."""

_NAME = r"(?P<name>[A-Z][\w’'-]+(?:\s+(?:(?:van|von|de|der|den|del|la|bin|al)\s+)*[A-Z][\w’'-]+){0,3})"
_SELF = re.compile(
    r"\b(?:[Ii]['’]m|I am|[Mm]y name is|[Mm]y name['’]s|[Tt]his is|[Ii]t['’]s)\s+(?:[Dd]r\.\s+|[Pp]rofessor\s+)?"
    + _NAME
)
_GUEST = re.compile(
    r"\b(?:[Mm]y|[Oo]ur)\s+(?:(?:next|first|second|special)\s+)?guest(?:\s+(?:today|tonight|this week))?\s+is\s+"
    r"(?:[Dd]r\.\s+|[Pp]rofessor\s+)?" + _NAME
)
_JOINED = re.compile(
    r"\b(?:joined(?:\s+(?:today|tonight|now))?\s+by|[Ww]elcome(?:\s+to the (?:show|podcast|program))?,|"
    r"[Pp]lease welcome)\s+(?:[Dd]r\.\s+|[Pp]rofessor\s+)?" + _NAME
)
SAID = (
    r"([Ii]['’]m|I am|name is|name['’]s|[Tt]his is|[Ii]t['’]s|guest[\w\s]* is|joined[\w\s]* by|elcome[\w\s]*,?)\s+[A-Z]"
)
"""Where it finds nothing, no name is suggested. PostgreSQL reads it as Python does."""
_NO_SURNAME_NEEDED = re.compile(r"[Mm]y name")
_NOT_NAMES = frozenset(
    {
        "I", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "January", "February",
        "March", "April", "May", "June", "July", "August", "September", "October", "November", "December", "American",
        "British", "English", "French", "German", "Italian", "Spanish", "Russian", "Chinese", "Japanese", "Indian",
        "Irish", "Scottish", "Canadian", "Australian", "Christian", "Jewish", "Muslim", "Catholic", "God", "Ok", "OK",
        "Christmas", "Easter", "Mr", "Mrs",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A name that the speaker under a label may have, and the sentence that says it."""

    label: str
    name: str
    sentence: str
    start: float
    kind: Literal["said_of_self", "introduced"]


def suggest_names(segments: Sequence[Segment]) -> dict[str, list[Suggestion]]:
    """Suggest names for each label, the best first.

    Names that speakers give themselves come before those by which others introduce them.
    """
    found: dict[str, list[Suggestion]] = {}
    for index, segment in enumerate(segments):
        if segment.speaker is None:
            continue
        for suggestion in [*_of_self(segment), *_introduced(segments, index)]:
            names = found.setdefault(suggestion.label, [])
            if all(suggestion.name.casefold() != known.name.casefold() for known in names):
                names.append(suggestion)
    return {
        label: sorted(names, key=lambda each: each.kind != "said_of_self")[:MAX_SUGGESTIONS]
        for label, names in found.items()
    }


def _of_self(segment: Segment) -> list[Suggestion]:
    return [
        Suggestion(
            label=segment.speaker or "",
            name=match["name"],
            sentence=sentence_around(segment.text, *match.span()),
            start=_start(segment, match),
            kind="said_of_self",
        )
        for match in _SELF.finditer(segment.text)
        # "I'm Irish", "this is Boston": a single capitalized word is a name only after "my name is".
        if _may_be_name(match["name"]) and (" " in match["name"] or _NO_SURNAME_NEEDED.match(match[0]))
    ]


def _introduced(segments: Sequence[Segment], index: int) -> list[Suggestion]:
    segment = segments[index]
    following = next(
        (each.speaker for each in segments[index + 1 :] if each.speaker not in (None, segment.speaker)), None
    )
    if following is None:
        return []
    return [
        Suggestion(
            label=following,
            name=match["name"],
            sentence=sentence_around(segment.text, *match.span()),
            start=_start(segment, match),
            kind="introduced",
        )
        for pattern in (_GUEST, _JOINED)
        for match in pattern.finditer(segment.text)
        if _may_be_name(match["name"]) and (" " in match["name"] or pattern is _GUEST)
    ]


def _may_be_name(name: str) -> bool:
    return not _NOT_NAMES.intersection(name.split())


def _start(segment: Segment, match: re.Match[str]) -> float:
    """The time at which the match begins: that of the word at its place, or the segment's where words and text differ."""
    before = len(segment.text[: match.start()].split())
    return segment.words[before].start if before < len(segment.words) else segment.start
