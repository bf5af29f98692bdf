"""Checks what a language model wrote against what is said, outside of the model. Pure.

A sentence is supported where it names a moment that was given, and what it says is said there: at least half of its telling words,
each number, each name, and each passage in quotation marks. That shows that the words are there, not that they mean the same:
people can hear the place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from echoic.asking.moments import MIN_WORD_CHARACTERS, Moment
from echoic.asking.sentences import Place, Written
from echoic.search.answer import Said
from echoic.text.clock import clock
from echoic.text.common import COMMON
from echoic.text.words import joined_words, words

SUPPORTED_SHARE = 0.5
"""Of the telling words of a sentence that have to be said where it says."""
MIN_QUOTED_WORDS = 3
"""Shorter passages in quotation marks are names and terms, which the words' rule covers."""
SAME_BEGINNING = 0.7
"""Two words are the same where so much of the longer one is their common beginning: budget, budgets."""
NOUNS_HAVE_CAPITALS = frozenset({"de", "lb"})
"""Languages in which a capital does not tell a name."""
MAX_QUOTE_CHARACTERS = 300

Fault = Literal["no_moment", "quote_not_said", "number_not_said", "name_not_said", "words_not_said"]

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]")
_WRITTEN_WORD = re.compile(r"[^\W\d_][\w’'-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Citation:
    """A place on which a sentence rests."""

    moment: Moment
    said: Said
    """The segment of it."""
    quote: str
    """Words that are said there, as the transcript has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A sentence of an answer, checked."""

    text: str
    citations: tuple[Citation, ...]
    fault: Fault | None
    """Why it is not supported; None where it is."""


def checked(written: Written, moments: Sequence[Moment]) -> Sentence:
    """Check a sentence against the moments that were given."""
    given = {moment.number: moment for moment in moments}
    found = [_cited(place, written.text, given) for place in written.places]
    citations = tuple({(one.moment.number, one.said.start): one for one in found if isinstance(one, Citation)}.values())
    if not citations:
        named_wrong = next((one for one in found if one == "quote_not_said"), None)
        return Sentence(text=written.text, citations=(), fault=named_wrong or "no_moment")
    cited = list({one.moment.number: one.moment for one in citations}.values())
    return Sentence(text=written.text, citations=citations, fault=fault_of(written.text, cited))


def fault_of(text: str, cited: Sequence[Moment]) -> Fault | None:
    """Return why a sentence is not supported by moments."""
    told = [*(one.text for one in cited), *_around(cited)]
    said = {word for part in told for word in (*words(part), *joined_words(part))}
    if any(len(words(quote)) >= MIN_QUOTED_WORDS and not any(_says(one.text, quote) for one in cited)
           for quote in _QUOTED.findall(text)):  # fmt: skip
        return "quote_not_said"
    if any(word not in said for word in joined_words(text) if any(char.isdigit() for char in word)):
        return "number_not_said"
    if not any(one.item.language in NOUNS_HAVE_CAPITALS for one in cited) and any(
        not _is_among(name, said) for name in _names(text)
    ):
        return "name_not_said"
    telling = [word for word in words(text) if len(word) >= MIN_WORD_CHARACTERS and word not in COMMON]
    if not telling or sum(_is_among(word, said) for word in telling) < SUPPORTED_SHARE * len(telling):
        return "words_not_said"
    return None


def _cited(place: Place, sentence: str, given: Mapping[int, Moment]) -> Citation | Fault:
    moment = given.get(place.number)
    if moment is None:
        return "no_moment"
    if place.quote is None:
        said = max(moment.said, key=lambda one: _shared(one.text, sentence))
        return Citation(moment=moment, said=said, quote=_short(said.text))
    wanted = words(place.quote)
    if not wanted or not _says(moment.text, place.quote):
        return "quote_not_said"
    said = next((one for one in moment.said if _says(one.text, place.quote)), None) or max(
        moment.said, key=lambda one: _shared(one.text, place.quote or "")
    )
    return Citation(moment=moment, said=said, quote=_short(place.quote))


def _around(cited: Iterable[Moment]) -> Iterable[str]:
    """Yield titles, speakers and times, which the model is told beside what is said."""
    for moment in cited:
        yield moment.item.title
        yield clock(moment.start)
        yield from {one.speaker for one in moment.said if one.speaker}


def _names(text: str) -> Iterable[str]:
    """Words with a capital that do not begin the sentence, nor a passage in quotation marks."""
    for found in _WRITTEN_WORD.finditer(text):
        before = text[: found.start()].rstrip()
        if found[0][0].isupper() and before and before[-1] not in '"“„«:.?!(' and len(found[0]) > 1:
            yield from words(found[0].removesuffix("'s").removesuffix("’s"))


def _says(text: str, quote: str) -> bool:
    """Return whether a text holds these words in this order, one after the other."""
    said, wanted = f" {' '.join(words(text))} ", f" {' '.join(words(quote))} "
    return wanted in said


def _shared(text: str, sentence: str) -> int:
    said = set(words(text))
    return sum(_is_among(word, said) for word in set(words(sentence)) if word not in COMMON)


def _is_among(word: str, said: set[str]) -> bool:
    return word in said or (len(word) >= MIN_WORD_CHARACTERS and any(_is_same(word, other) for other in said))


def _is_same(word: str, other: str) -> bool:
    """Return whether two words begin alike, as forms of one word do."""
    common = 0
    for one, two in zip(word, other, strict=False):
        if one != two:
            break
        common += 1
    return common >= MIN_WORD_CHARACTERS and common >= SAME_BEGINNING * max(len(word), len(other))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTE_CHARACTERS else f"{text[:MAX_QUOTE_CHARACTERS].rsplit(' ', 1)[0]} …"
