"""The moments that are given to answer a question: what was found, with what is said around it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from echoic.errors import QueryInvalid
from echoic.search.answer import FoundItem, Hit, Said
from echoic.search.question import CONTEXT_SEGMENTS, Filters, Search
from echoic.text.common import COMMON
from echoic.text.visible import is_visible
from echoic.text.words import words

MAX_WORDS = 24
"""Words of a question that are searched for; its meaning is compared as a whole."""
MIN_WORD_CHARACTERS = 4
FOUND_FOR_EACH = 2
"""So many places are searched for each moment that is wanted: those near each other become one."""
MAX_MOMENT_CHARACTERS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A stretch of a recording that is given to answer a question."""

    number: int
    """From 1, in the order of rank."""
    item: FoundItem
    said: tuple[Said, ...]
    """What is said, in order."""
    found: Said
    """The best place within it."""

    @property
    def start(self) -> float:
        return self.said[0].start

    @property
    def end(self) -> float:
        return self.said[-1].end

    @property
    def text(self) -> str:
        return " ".join(one.text.strip() for one in self.said)


def search_for(question: str, filters: Filters, *, account_id: int, count: int) -> Search:
    """Return the search for the moments of a question: any of its words, and its meaning.

    Doubtful segments are left out, and titles and descriptions with them: an answer rests on what was surely said.
    Raises QueryInvalid where the question holds no word.
    """
    asked = _asked_words(question)
    if not asked or not is_visible(question):
        fault = "holds no word: give at least one letter or digit" if question.strip() else "is empty"
        raise QueryInvalid(f"The question {fault}.")
    return Search(
        account_id=account_id,
        query=" OR ".join(asked),
        meaning=question,
        filters=replace(filters, doubtful=False),
        limit=FOUND_FOR_EACH * count,
        highlight=False,
        context_segments=CONTEXT_SEGMENTS,
        similar=False,
    )


def _asked_words(question: str) -> list[str]:
    asked = list(dict.fromkeys(words(question)))
    telling = [word for word in asked if word not in COMMON and (len(word) >= MIN_WORD_CHARACTERS or word.isdigit())]
    return (telling or asked)[:MAX_WORDS]


def moments_of(hits: Iterable[Hit], *, count: int) -> tuple[Moment, ...]:
    """Return at most so many moments of what was found, the best first; places that touch are one moment."""
    moments: list[Moment] = []
    for hit in hits:
        if hit.segment_id is None:
            continue
        found = Said(hit.start, hit.end, hit.text, hit.speaker, hit.confidence, hit.quality)
        said = _shortened([one for one in (*hit.before, found, *hit.after) if one.quality != "doubtful"], found)
        near = next((n for n, one in enumerate(moments) if one.item.id == hit.item_id and _touch(one.said, said)), None)
        if near is not None:
            joined = _joined(moments[near].said, said)
            if sum(len(one.text) for one in joined) <= MAX_MOMENT_CHARACTERS:
                moments[near] = replace(moments[near], said=joined)
        elif len(moments) < count:
            moments.append(Moment(number=len(moments) + 1, item=hit.item, said=said, found=found))
    return tuple(moments)


def _shortened(said: list[Said], found: Said) -> tuple[Said, ...]:
    """Return what is said around a place, so much as may be given; at least the place."""
    while len(said) > 1 and sum(len(one.text) for one in said) > MAX_MOMENT_CHARACTERS:
        place = said.index(found)
        said = said[1:] if place > len(said) // 2 or place == len(said) - 1 else said[:-1]
    return tuple(replace(one, text=one.text[:MAX_MOMENT_CHARACTERS]) for one in said)


def _touch(one: tuple[Said, ...], other: tuple[Said, ...]) -> bool:
    return bool(set(_times(one)) & set(_times(other)))


def _joined(one: tuple[Said, ...], other: tuple[Said, ...]) -> tuple[Said, ...]:
    """Return both stretches as one, in order. Overlapping speech has equal starts and other ends."""
    known = set(_times(one))
    return tuple(
        sorted((*one, *(said for said in other if (said.start, said.end) not in known)), key=lambda s: (s.start, s.end))
    )


def _times(said: Iterable[Said]) -> Iterator[tuple[float, float]]:
    return ((one.start, one.end) for one in said)
