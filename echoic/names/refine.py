"""Joins a model's spans with the names found by cues and in the list."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from echoic.names.boundaries import parted, trimmed
from echoic.names.cues import MAKERS, SURNAMES_TOO, find_cued
from echoic.names.known import GIVEN_NAMES, TOKEN, find_known, known
from echoic.records import EntityType, Span

GIVEN, MODEL, CUED, LISTED, TITLED = range(5)
"""Sources of names, the least trusted first; they decide between overlapping names of equal length. ``GIVEN``: a given name
that stands alone; ``CUED``: the words around or in a name; ``LISTED``: the list of known names; ``TITLED``: a title before."""
MIN_REPEATED_CHARACTERS = 4
DESIGNATION = re.compile(r"(?!(?:G-?\d|I-\d|US-|Q\d|K-|H\dN))[A-Z][A-Za-z]*-?\d[\w-]*")
"""A word of letters and digits, as makers name products; not G20, I-95 or Q3."""
POSSESSIVE = re.compile(r"['’]s?$")


def refine(text: str, spans: Iterable[Span], *, capitals_matter: bool = True) -> tuple[Span, ...]:
    """Return the names in order, without overlap, each with its type.

    Of overlapping names the longest stays; of equally long ones, that of the most trusted source. A name of one word
    that is found in one place is found everywhere in the text. So are the surname of a person with a full name, and
    the model of a product with its maker: ``Navigator`` after ``Lincoln Navigator``.
    """
    said = [clean for span in spans for part in parted(span) if (clean := trimmed(part)) is not None]
    if capitals_matter:
        said = [span for span in said if any(map(str.isupper, span.text)) or any(map(str.isdigit, span.text))]
    people = [span for span in said if span.type == "person"]
    cued = [clean for span in find_cued(text) if (clean := trimmed(span)) is not None]
    candidates = [(MODEL, _retyped(span)) for span in said]
    candidates += [(LISTED, span) for span in find_known(text)]
    candidates += [(_worth(span), span) for span in cued if not _cuts(span, people)]
    candidates += [(GIVEN, span) for span in _given_names(text)]
    return _everywhere(text, _resolved(candidates))


def _cuts(span: Span, people: Sequence[Span]) -> bool:
    """Return whether a cue swallowed a person whom the model found: ``Apple Tim Cook`` is no product, ``Kevin Park`` no place."""
    for person in people:
        if person.start >= span.end or person.end <= span.start:
            continue
        if span.type == "place" and span.text.endswith(SURNAMES_TOO):
            return True
        if span.type == "product" and person.start > span.start and " " in person.text:
            return True
    return False


def _worth(cued: Span) -> int:
    return TITLED if cued.type == "person" else CUED


def _retyped(span: Span) -> Span:
    """Correct types that the model often gets wrong: ``Note7`` as an organization, ``Karen`` as a place."""
    if span.text in _only_given():
        return replace(span, type="person")
    return replace(span, type="product") if DESIGNATION.fullmatch(span.text) else span


def _given_names(text: str) -> Iterator[Span]:
    for token in TOKEN.finditer(text):
        word = POSSESSIVE.sub("", token[0])
        if word in _only_given():
            yield Span(start=token.start(), end=token.start() + len(word), text=word, type="person")


@cache
def _only_given() -> frozenset[str]:
    return known(*GIVEN_NAMES) - known("place", "organization", "product")


def _resolved(candidates: Sequence[tuple[int, Span]]) -> list[Span]:
    taken: list[Span] = []
    by_worth = sorted(candidates, key=lambda one: (one[1].start - one[1].end, -one[0], one[1].start))
    occupied: set[int] = set()
    for _, span in by_worth:
        places = range(span.start, span.end)
        if occupied.isdisjoint(places):
            occupied.update(places)
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)


def _everywhere(text: str, spans: list[Span]) -> tuple[Span, ...]:
    votes: defaultdict[str, Counter[EntityType]] = defaultdict(Counter)
    for span in spans:
        votes[span.text][span.type] += 1
    owners = {span.text.split()[-1] for span in spans if span.type == "person" and " " in span.text}
    models = {
        span.text.split()[-1]
        for span in spans
        if span.type == "product" and " " in span.text and span.text.split()[0] in MAKERS
    }
    decided: dict[str, EntityType] = {}
    for name, types in votes.items():
        if name in owners and name not in known("place"):
            decided[name] = "person"
        elif len(types) == 1 or types.most_common(2)[0][1] > types.most_common(2)[1][1]:
            decided[name] = types.most_common(1)[0][0]
    found = [replace(span, type=decided.get(span.text, span.type)) for span in spans]
    words = {name: kind for name, kind in decided.items() if " " not in name}
    words |= dict.fromkeys(models, "product")
    words |= {name: "person" for name in owners if name not in known("place")}
    return tuple(sorted([*found, *_repeated(text, found, words)], key=lambda span: span.start))


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
