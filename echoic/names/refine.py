"""Joins a model's spans with the names found by cues and in the list."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from echoic.names.boundaries import parted, trimmed
from echoic.names.common import NOUNS_IN_CAPITALS, Usage, common_words
from echoic.names.cues import SURNAMES_TOO, find_cued, find_products
from echoic.names.houses import with_houses
from echoic.names.known import GIVEN_NAMES, TOKEN, find_in_any_language, find_known, known
from echoic.names.repeats import POSSESSIVE, everywhere
from echoic.names.talk_cues import find_employers, find_people
from echoic.records import Span

GIVEN, MODEL, CUED, LISTED, TITLED = range(5)
"""Sources of names, the least trusted first; they decide between overlapping names of equal length. ``GIVEN``: a given name
that stands alone; ``CUED``: the words around or in a name; ``LISTED``: the list of known names; ``TITLED``: a title before."""
DESIGNATION = re.compile(r"(?!(?:G-?\d|I-\d|US-|Q\d|K-|H\dN))[A-Z][A-Za-z]*-?\d[\w-]*")
"""A word of letters and digits, as makers name products; not G20, I-95 or Q3."""
_WORKS_FOR = re.compile(r"\s+(?:of|for|on|with|and)\s+(?:the\s+)?")
_STORM = re.compile(r"\b(?:[Hh]urricane|[Tt]yphoon|[Cc]yclone|storm)\s+([A-Z]\w+)")
_ACRONYM = re.compile(r"[A-Z]{3,}")
_SENTENCE_END = re.compile(r"(?<=[a-z]{2})[.?!…]+\s+(?=[A-Z])")


def refine(text: str, spans: Iterable[Span], *, capitals_matter: bool = True) -> tuple[Span, ...]:
    """Return the names of an English text in order, without overlap, each with its type.

    Of overlapping names the longest stays; of equally long ones, that of the most trusted source. Names that are certain
    enough are found everywhere in the text (``repeats``).
    """
    usage = Usage.of(text, common=common_words(), capitals_matter=capitals_matter)
    storms = {found[1] for found in _STORM.finditer(text)}
    said = [_without_acronyms(clean, usage) for span in spans for clean in _cleaned(span, usage)]
    said = [span for span in said if not (span.type == "place" and span.text in storms)]
    if capitals_matter:
        said = [span for span in said if any(map(str.isupper, span.text)) or any(map(str.isdigit, span.text))]
    greeted = list(find_people(text, usage))
    people = [span for span in (*said, *greeted) if span.type == "person"]
    cues = [*find_cued(text), *find_products(text, said)]
    cued = [clean for span in cues if (clean := trimmed(_without_people(span, people))) is not None]
    candidates = [(MODEL, _retyped(span)) for span in said]
    candidates += [(LISTED, span) for span in find_known(text)]
    candidates += [(_worth(span), span) for span in cued if not _cuts(span, people)]
    candidates += [(CUED, span) for span in (*greeted, *find_employers(text, people, usage))]
    candidates += [(GIVEN, span) for span in _given_names(text)]
    found = everywhere(text, _resolved(candidates), usage)
    backed = {span.start for source, span in candidates if source != MODEL}
    return with_houses(text, _without_lone_words(found, backed))


def refine_in_language(
    text: str, spans: Iterable[Span], language: str, *, common: Collection[str] = (), capitals_matter: bool = True
) -> tuple[Span, ...]:
    """Do what ``refine`` does for a text in another language than English, by what holds in all of them.

    Greetings and other ``common`` words are no names, known names are found; there are no cues. Where nouns have
    capitals, of single words only parts of people's names are found in other places.
    """
    common = common_words(language) | frozenset(common)
    usage = Usage.of(text, common=common, capitals_matter=capitals_matter)
    said = [(MODEL, clean) for span in spans for clean in _cleaned(span, usage)]
    listed = [(LISTED, span) for span in find_in_any_language(text)]
    return everywhere(text, _resolved([*said, *listed]), usage, people_only=language in NOUNS_IN_CAPITALS)


def _without_lone_words(spans: Sequence[Span], backed: Collection[int]) -> list[Span]:
    """Leave out organizations of one word that the model alone found, and once: most of them are something else.

    ``backed`` are the places where a cue or the list has a name. Acronyms, and beginnings of longer names, stay.
    """
    times = Counter(span.text for span in spans)
    longer = {span.text.split()[0] for span in spans if " " in span.text}
    return [
        span
        for span in spans
        if not (
            span.type == "organization"
            and times[span.text] == 1
            and span.start not in backed
            and span.text not in longer
            and " " not in span.text
            and not span.text.isupper()
        )
    ]


def _cleaned(span: Span, usage: Usage) -> Iterator[Span]:
    """Cut a span at the ends of lists and sentences, and trim each part to its name."""
    for part in parted(span):
        for sentence in _in_sentences(part):
            clean = trimmed(sentence)
            if clean is not None and clean.type == "person":
                clean = _without_common_words(clean, usage)
            if clean is not None and not usage.is_common(clean.text) and not _is_word(clean, usage):
                yield clean


def _is_word(span: Span, usage: Usage) -> bool:
    """Return whether a single word is no name, because the text uses it as a word as well."""
    return span.type != "person" and " " not in span.text and not usage.may_be_name(span.text)


def _without_acronyms(span: Span, usage: Usage) -> Span:
    """Take an acronym for an organization where the model has it as a person or a place that no list knows.

    A text all in capitals does not show what an acronym is.
    """
    if span.type not in {"person", "place"} or not usage.small or _ACRONYM.fullmatch(span.text) is None:
        return span
    return span if span.text in known("place", *GIVEN_NAMES) else replace(span, type="organization")


def _in_sentences(span: Span) -> Iterator[Span]:
    start = 0
    for gap in [*_SENTENCE_END.finditer(span.text), None]:
        end = len(span.text) if gap is None else gap.start()
        yield replace(span, start=span.start + start, end=span.start + end, text=span.text[start:end])
        start = len(span.text) if gap is None else gap.end()


def _without_common_words(span: Span, usage: Usage) -> Span | None:
    """Take ``Thanks`` and ``Please`` off the ends of a person's name; returns None if nothing is left."""
    words = list(TOKEN.finditer(span.text))
    first, last = 0, len(words)
    while first < last and usage.is_common(words[first][0]):
        first += 1
    while first < last and usage.is_common(POSSESSIVE.sub("", words[last - 1][0])):
        last -= 1
    if first == last:
        return None
    start = words[first].start() if first else 0
    end = words[last - 1].end() if last < len(words) else len(span.text)
    return replace(span, start=span.start + start, end=span.start + end, text=span.text[start:end])


def _cuts(span: Span, people: Sequence[Span]) -> bool:
    """Return whether a cue swallowed a person whom the model found: ``Apple Tim Cook`` is no product, ``Kevin Park`` no place."""
    for person in people:
        if person.start >= span.end or person.end <= span.start:
            continue
        is_surname = span.text.endswith(SURNAMES_TOO) or person.text.split()[0] in _only_given()
        if span.type == "place" and is_surname:
            return True
        if span.type == "product" and person.start > span.start and " " in person.text:
            return True
    return False


def _without_people(span: Span, people: Sequence[Span]) -> Span:
    """Take a person off the beginning: ``Ludo Zabriskie of Needham & Company`` is two names."""
    for person in people:
        gap = _WORKS_FOR.match(span.text, person.end - span.start) if person.start == span.start else None
        if span.type == "organization" and gap is not None:
            return replace(span, start=span.start + gap.end(), text=span.text[gap.end() :])
    return span


def _worth(cued: Span) -> int:
    return TITLED if cued.type == "person" else CUED


def _retyped(span: Span) -> Span:
    """Correct types that the model often gets wrong: ``Karen`` as a place, ``Lincoln MKZ`` as a person."""
    if span.text in _only_given():
        return replace(span, type="person")
    return span


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
