"""Finds a name that was found in one place of a text in its other places, where the text leaves no doubt that it is one."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from echoic.names.common import Usage
from echoic.names.cues import MAKERS
from echoic.names.known import GIVEN_NAMES, TOKEN, known
from echoic.records import EntityType, Span

MIN_REPEATED_CHARACTERS = 3
POSSESSIVE = re.compile(r"['’]s?$")


def everywhere(text: str, spans: Sequence[Span], usage: Usage, *, people_only: bool = False) -> tuple[Span, ...]:
    """Give all places of one name one type, and find its other places.

    A name of one word is spread only if it is no common word and the text never writes it in small letters. With it are
    spread the first and the last word of a person's full name, and the model of a product with its maker: ``Navigator``
    after ``Lincoln Navigator``. With ``people_only``, words that are no part of a person's name are not spread.
    """
    of_people = _parts_of_people(spans, usage)
    decided = _decided(spans, of_people)
    models = {
        span.text.split()[-1]
        for span in spans
        if span.type == "product" and " " in span.text and span.text.split()[0] in MAKERS
    }
    found = [replace(span, type=decided.get(span.text, span.type)) for span in spans]
    words: dict[str, EntityType] = {}
    if not people_only:
        words |= {name: kind for name, kind in decided.items() if " " not in name}
        words |= dict.fromkeys(models, "product")
    words |= dict.fromkeys(of_people, "person")
    times = Counter(POSSESSIVE.sub("", token[0]) for token in TOKEN.finditer(text))
    said = Counter(span.text for span in spans)
    words = {
        word: kind
        for word, kind in words.items()
        if usage.may_be_name(word) and (word in of_people or word in models or 2 * said[word] >= times[word])
    }
    return tuple(sorted([*found, *_repeated(text, found, words)], key=lambda span: span.start))


def _parts_of_people(spans: Sequence[Span], usage: Usage) -> set[str]:
    """First and last words of full names that stand for the person; a first word only if it is known as a person's."""
    alone = {span.text for span in spans if span.type == "person"}
    parts: set[str] = set()
    for span in spans:
        if span.type == "person" and " " in span.text:
            first, *_, last = span.text.split()
            parts |= {first, last} if first in known(*GIVEN_NAMES) | alone else {last}
    return {part for part in parts if part not in known("place") and usage.may_be_name(part)}


def _decided(spans: Sequence[Span], of_people: set[str]) -> dict[str, EntityType]:
    """The type of each name, where one is more frequent than the others."""
    votes: defaultdict[str, Counter[EntityType]] = defaultdict(Counter)
    for span in spans:
        votes[span.text][span.type] += 1
    decided: dict[str, EntityType] = {}
    for name, types in votes.items():
        if name in of_people:
            decided[name] = "person"
        elif len(types) == 1 or types.most_common(2)[0][1] > types.most_common(2)[1][1]:
            decided[name] = types.most_common(1)[0][0]
    return decided


def _repeated(text: str, found: Sequence[Span], words: Mapping[str, EntityType]) -> Iterator[Span]:
    """Find the other places of names of one word."""
    occupied = iter(found)
    span = next(occupied, None)
    for token in TOKEN.finditer(text):
        while span is not None and span.end <= token.start():
            span = next(occupied, None)
        word = POSSESSIVE.sub("", token[0])
        if len(word) < MIN_REPEATED_CHARACTERS or not word[0].isupper() or word not in words:
            continue
        end = token.start() + len(word)
        if span is None or span.start >= end:
            yield Span(start=token.start(), end=end, text=word, type=words[word])
