"""Entities by a GLiNER model, for those who installed the extra ``gliner`` (which brings torch).

GLiNER finds whatever labels it is given; these are asked for in plain words. It reads a few hundred words at a time and
drops the rest with a warning, so text is cut into windows that overlap and each name is taken from where it has most
around it.
"""

import re
from collections.abc import Iterator
from typing import Any

from echoic import errors
from echoic.engines.failures import translated
from echoic.engines.models.hub import quiet_hub
from echoic.names.boundaries import trimmed
from echoic.records import EngineId, EntityType, Span
from echoic.settings import Settings

LABELS: dict[str, EntityType] = {
    "person": "person",
    "organization": "organization",
    "location": "place",
    "product": "product",
}
ENGLISH_MODELS = ("urchade/gliner_small", "urchade/gliner_medium", "urchade/gliner_large", "urchade/gliner_base")
"""Beginnings of the names of models that know English alone; other models are taken to know every language."""
THRESHOLD = 0.5
"""Least score of a name, the library's own default."""
WINDOW_WORDS = 160
"""Words read at once. Models take 384 of GLiNER's tokens, which count punctuation apart, and the labels as well."""
OVERLAP_WORDS = 40
BATCH_WINDOWS = 8

_WORD = re.compile(r"\S+")


class GlinerEntityTagger:
    """A GLiNER model by its name on the public hub, or a folder with one."""

    def __init__(self, engine_id: EngineId, settings: Settings) -> None:
        """Load the model.

        Raises:
            errors.ModelMissing: the extra is not installed, or the model is neither here nor may be fetched.
        """
        quiet_hub(settings)
        try:
            from gliner import GLiNER
        except ImportError as error:
            raise errors.ModelMissing("GLiNER is not installed; pip install 'echoic[gliner]'.") from error
        self.id = engine_id
        is_english = engine_id.model.startswith(ENGLISH_MODELS)
        self.languages: frozenset[str] | None = frozenset({"en"}) if is_english else None
        try:
            self._model: GLiNER | None = GLiNER.from_pretrained(
                engine_id.model,
                cache_dir=settings.models_cache_dir / "gliner",
                local_files_only=not settings.model_downloads,
                map_location=settings.entity_tagger_device,
            )
        except _load_errors() as error:
            raise errors.ModelMissing(
                f"The GLiNER model '{engine_id.model}' is not on this machine, could not be fetched, or is damaged."
            ) from error

    def tag(self, text: str, language: str | None = None) -> tuple[Span, ...]:  # noqa: ARG002 - one model for all
        if self._model is None:
            raise RuntimeError("The entity tagger was closed.")
        frames = list(windows(text))
        if not frames:
            return ()
        with translated("The entity tagger failed on this text."):
            answers = self._model.inference(
                [text[start:end] for start, end in frames],
                list(LABELS),
                flat_ner=True,
                threshold=THRESHOLD,
                multi_label=False,
                batch_size=BATCH_WINDOWS,
            )
        found: list[Span] = []
        for number, (frame, answer) in enumerate(zip(frames, answers, strict=True)):
            low, high = _own_part(frames, number)
            found += [span for span in _spans(text, frame[0], answer) if low <= (span.start + span.end) / 2 < high]
        return _without_overlap(found)

    def close(self) -> None:
        self._model = None


def _load_errors() -> tuple[type[Exception], ...]:
    # What the hub raises derives from OSError, ValueError or httpx's own.
    import httpx
    from safetensors import SafetensorError

    return OSError, ValueError, RuntimeError, KeyError, httpx.HTTPError, SafetensorError


def windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of overlapping parts of ``WINDOW_WORDS`` words that cover the text."""
    words = [found.span() for found in _WORD.finditer(text)]
    for first in range(0, len(words), WINDOW_WORDS - OVERLAP_WORDS):
        last = min(first + WINDOW_WORDS, len(words)) - 1
        yield words[first][0], words[last][1]
        if last == len(words) - 1:
            return


def _own_part(frames: list[tuple[int, int]], number: int) -> tuple[float, float]:
    """Return the part of each window whose names count: up to the middle of its overlaps."""
    low = 0.0 if number == 0 else (frames[number][0] + frames[number - 1][1]) / 2
    high = float("inf") if number == len(frames) - 1 else (frames[number + 1][0] + frames[number][1]) / 2
    return low, high


def _spans(text: str, offset: int, answer: list[dict[str, Any]]) -> Iterator[Span]:
    for entity in answer:
        start, end = offset + entity["start"], offset + entity["end"]
        score = min(1.0, max(0.0, float(entity["score"])))
        span = Span(start=start, end=end, text=text[start:end], type=LABELS[entity["label"]], confidence=score)
        name = trimmed(span)
        if name is not None:
            yield name


def _without_overlap(spans: list[Span]) -> tuple[Span, ...]:
    """Keep the surer of two names that overlap, since two windows may cut the same name differently."""
    taken: list[Span] = []
    for span in sorted(spans, key=lambda one: (-(one.confidence or 0.0), one.start)):
        if all(span.end <= other.start or other.end <= span.start for other in taken):
            taken.append(span)
    return tuple(sorted(taken, key=lambda one: one.start))
