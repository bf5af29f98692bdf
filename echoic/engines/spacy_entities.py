"""Entities by spaCy's small models, one for each language that has one.

The models rely on case and punctuation, which Whisper writes; an English text without capitals is capitalized first. They
hardly know products, and take articles, titles, greetings and lists into names: the rules of ``names`` correct these.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from echoic import errors
from echoic.engines.failures import translated
from echoic.engines.models.find import pull, taggers
from echoic.engines.models.model import Model
from echoic.engines.models.spacy_models import SIGN
from echoic.engines.models.verify import verify
from echoic.names.common import ENGLISH
from echoic.names.refine import refine, refine_in_language
from echoic.names.truecase import lacks_capitals, with_capitals
from echoic.records import EngineId, EntityType, Span
from echoic.settings import Settings

if TYPE_CHECKING:
    from spacy.language import Language

# Only what names need; the rest would triple the time.
LEFT_OUT = [
    *("parser", "tagger", "morphologizer", "senter"),
    *("lemmatizer", "trainable_lemmatizer", "attribute_ruler"),
]
TYPES: dict[str, EntityType] = {
    "PERSON": "person",
    "PER": "person",
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
    """The models of spaCy that are here or that the settings name, one for each language; the default is English."""

    def __init__(self, engine_id: EngineId, settings: Settings, *, bare: bool = False) -> None:
        """Load the English model, others when a text first needs them; ``bare`` returns what they say as they say it.

        Raises ``errors.ModelMissing``.
        """
        self.id = engine_id
        self._settings = settings
        self._bare = bare
        self._models = taggers(settings)
        self.languages: frozenset[str] | None = frozenset(self._models)
        self._loaded: dict[str, Language] | None = {}
        self._model(ENGLISH)

    def tag(self, text: str, language: str | None = None) -> tuple[Span, ...]:
        spoken = language if language in self._models else ENGLISH
        model = self._model(spoken)
        if self._bare:
            return tuple(_said(model, text))
        lower = lacks_capitals(text)
        if spoken != ENGLISH:
            common = model.Defaults.stop_words
            return refine_in_language(text, _said(model, text), spoken, common=common, capitals_matter=not lower)
        written = with_capitals(text) if lower else text
        found = refine(written, _said(model, written), capitals_matter=not lower)
        return tuple(replace(span, text=text[span.start : span.end]) for span in found)

    def _model(self, language: str) -> "Language":
        if self._loaded is None:
            raise RuntimeError("The entity tagger was closed.")
        model = self._models[language]
        if model.name not in self._loaded:
            self._loaded[model.name] = _load(model, self._settings)
        return self._loaded[model.name]

    def close(self) -> None:
        self._loaded = None


def _load(model: Model, settings: Settings) -> "Language":
    """Load a model from where it is, or get it first. Raises ``errors.ModelMissing``."""
    try:
        import spacy
    except ImportError as error:
        raise errors.ModelMissing("spaCy is not installed; pip install spacy.") from error

    located = pull(model, settings)
    if located.packaged is not None and not all(file.is_good for file in verify(model, located)):
        raise errors.ModelMissing(f"The package of the model '{model.name}' is damaged; install it again.")
    folder = located.files[SIGN].parent
    try:
        return spacy.load(folder, exclude=LEFT_OUT)
    except (ImportError, OSError, ValueError) as error:
        raise errors.ModelMissing(f"The model '{model.name}' is damaged, or not for this version of spaCy.") from error


def _said(model: "Language", text: str) -> list[Span]:
    spans: list[Span] = []
    # The zone gives back what the vocabulary learned; without it every name ever seen would stay.
    with model.memory_zone():
        for start, end in chunks(text):
            spans += _spans(model, text, start, end)
    return spans


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
