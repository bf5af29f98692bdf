"""Cuts what a language model writes into sentences with the places that they name, as it comes. Pure.

A sentence is plain text when it leaves here: no markup, no address, no image, whatever the model was brought to write.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from echoic.text.sentences import SENTENCE_ENDS, ends_sentence

MAX_SENTENCE_CHARACTERS = 2_000
"""A sentence that does not end is cut here."""
MAX_MARK_CHARACTERS = 700
MAX_SENTENCES = 100
LINK_LEFT_OUT = "(link left out)"

_ENDS = "".join(SENTENCE_ENDS)
_QUOTES = '"“”„«»'
_NAMED = rf"(?P<number>\d{{1,3}})\s*[:,]?\s*(?:[{_QUOTES}](?P<quote>[^\]]*?)[{_QUOTES}])?"
_MARK = re.compile(rf"\[\s*\d{{1,3}}(?:[^\]\[]{{0,{MAX_MARK_CHARACTERS}}})\]")
_PLACE = re.compile(_NAMED)
_AFTER_END = re.compile(rf"[{_ENDS}]+[{_QUOTES}’')]*")
_ENDED_TWICE = re.compile(rf"([{_ENDS}][{_QUOTES}’')]+)[{_ENDS}]\Z")
"""A full stop stands before the places and after them."""
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_BULLET = re.compile(r"\A\s*(?:[-*•]\s+|#{1,6}\s+|>\s+|\d{1,2}[.)]\s+)")
_IMAGE = re.compile(r"!\[[^\]]*\]\s*(?:\([^)]*\)?|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]*)\]\s*\((?:[^)]*)\)?")
_TAG = re.compile(r"<[/!?a-zA-Z][^>]*>?")
_ADDRESS = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,20}:/{1,2}|\b(?:data|javascript|mailto):|\bwww\.)[^\s]*", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*|__|`+|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A moment that a sentence names."""

    number: int
    quote: str | None
    """Words that are said there, as the model has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A sentence as a model wrote it, made plain."""

    text: str
    places: tuple[Place, ...]


class SentenceReader:
    """Takes text piece by piece, and gives back the sentences that are whole."""

    def __init__(self) -> None:
        self._rest = ""
        self._count = 0
        self._thinks: bool | None = None
        """None: not known yet, for the text has hardly begun."""

    def feed(self, piece: str) -> Iterator[Written]:
        """Yield the sentences that end within what has come so far, but for the last: places may still follow it."""
        self._rest += piece
        if not self._has_thought(at_end=False):
            return
        while (cut := _whole_sentence(self._rest, at_end=False)) is not None:
            yield from self._taken(cut)

    def close(self) -> Iterator[Written]:
        """Yield what is left."""
        self._has_thought(at_end=True)
        while self._rest.strip():
            yield from self._taken(_whole_sentence(self._rest, at_end=True) or len(self._rest))

    def _taken(self, cut: int) -> Iterator[Written]:
        text, self._rest = self._rest[:cut], self._rest[cut:]
        written = _written(text)
        if written.text and self._count < MAX_SENTENCES:
            self._count += 1
            yield written

    def _has_thought(self, *, at_end: bool) -> bool:
        """Drop what some models write for themselves before they answer; False while they do."""
        if self._thinks is None:
            begun = self._rest.lstrip().lower()
            if not at_end and len(begun) < len("<think") and "<think".startswith(begun):
                return False
            self._thinks = begun.startswith("<think")
        if self._thinks:
            if "</think" not in self._rest.lower() or ">" not in self._rest.lower().partition("</think")[2]:
                self._rest = "" if at_end else self._rest
                return False
            self._rest = _THOUGHT.sub("", self._rest)
            self._thinks = False
        return True


def _whole_sentence(text: str, *, at_end: bool) -> int | None:
    """Return where the first sentence ends, with the places that follow it; None where that is not known yet."""
    place = 0
    while place < len(text):
        if text[place] == "[" and (mark := _MARK.match(text, place)):
            place = mark.end()
            continue
        if text[place] == "[" and "]" not in text[place : place + MAX_MARK_CHARACTERS] and not at_end:
            return None if len(text) - place < MAX_MARK_CHARACTERS else place + 1
        if place >= MAX_SENTENCE_CHARACTERS:
            return place
        end = _end_at(text, place)
        if end is not None and text[:end].strip():
            after = _after_places(text, end, at_end=at_end)
            if after is None:
                return None
            return after
        place += 1
    return None


def _end_at(text: str, place: int) -> int | None:
    """Return the end of the sentence where one ends at a place: at a sign, or with its line."""
    if text[place] == "\n":
        return place + 1
    if text[place] not in SENTENCE_ENDS:
        return None
    if _is_within_quotes(text[:place]) and text[place + 1 : place + 2] not in tuple(_QUOTES):
        return None
    end = _AFTER_END.match(text, place)
    assert end is not None  # noqa: S101 -- the sign is one of them
    follows = text[end.end() : end.end() + 1]
    if follows and not follows.isspace() and follows != "[" and text[place] not in "。？！":
        return None
    if text[place - 1 : place] != "]" and text[end.end() :].lstrip(" ")[:1].islower():
        return None  # an abbreviation, or a passage in quotation marks within the sentence
    return end.end() if ends_sentence(text[: place + 1]) and not _is_initial(text[: place + 1]) else None


def _is_within_quotes(before: str) -> bool:
    before = _MARK.sub("", before)
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def _is_initial(text: str) -> bool:
    """Return whether the text ends in a number of a list, or in a letter and a point."""
    last = text.rsplit(maxsplit=1)[-1] if text.split() else ""
    return (text.strip() == last and last[:-1].isdigit()) or (len(last) == 2 and last[0].isupper())  # noqa: PLR2004


def _after_places(text: str, end: int, *, at_end: bool) -> int | None:
    """Return the end of the places that follow a sentence; None where more of them may come."""
    place = end
    while True:
        blank = len(text[place:]) - len(text[place:].lstrip())
        if place + blank >= len(text):
            return len(text) if at_end else None
        mark = _MARK.match(text, place + blank)
        if mark is None:
            is_open = text[place + blank] == "[" and "]" not in text[place + blank :]
            return (
                None if is_open and not at_end and len(text) - place < MAX_MARK_CHARACTERS else _past_sign(text, place)
            )
        place = mark.end()


def _past_sign(text: str, place: int) -> int:
    """Return the place behind a full stop that stands after the places."""
    return place + 1 if text[place : place + 1] in SENTENCE_ENDS and text[place - 1] == "]" else place


def _written(text: str) -> Written:
    places = [place for mark in _MARK.findall(text) for place in _places(mark)]
    return Written(text=plain(_MARK.sub(" ", text)), places=tuple(dict.fromkeys(places)))


def _places(mark: str) -> Iterator[Place]:
    rest = mark[1:-1]
    while found := _PLACE.search(rest):
        quote = (found["quote"] or "").strip()
        yield Place(number=int(found["number"]), quote=quote or None)
        rest = rest[found.end() :]


def plain(text: str) -> str:
    """Return a text of a model in one line without markup, images and addresses."""
    # First, for a character that is not seen could part what would be markup or an address without it.
    text = "".join(
        char for char in text if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs")
    )
    text = _BULLET.sub("", text)
    before = ""
    while before != text:  # links stand within links
        before, text = text, _LINK.sub(r"\1", _IMAGE.sub(" ", text))
    text = _EMPHASIS.sub("", _TAG.sub(" ", text))
    text = _ADDRESS.sub(LINK_LEFT_OUT, text)
    text = _ENDED_TWICE.sub(r"\1", re.sub(rf"\s+([{_ENDS},;:])", r"\1", " ".join(text.split())))
    return text if any(char.isalnum() for char in text) else ""
