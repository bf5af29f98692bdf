"""Cuts a transcript into paragraphs for reading: at pauses, where the speaker changes, and where they grow long."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from echoic.records import Segment
from echoic.text.sentences import ends_sentence

PARAGRAPH_PAUSE_SECONDS = 2.0
"""A pause of this length begins a new paragraph."""
PARAGRAPH_CHARACTERS = 600
"""A paragraph of this length ends where its next sentence ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """The uninterrupted words of one speaker; ``text`` and ``speaker`` hold no line break."""

    start: float
    speaker: str | None
    text: str


def make_paragraphs(segments: tuple[Segment, ...]) -> Iterator[Paragraph]:
    """Yield all paragraphs in order. Segments without text yield none."""
    said = [segment for segment in segments if segment.text.split()]
    if not said:
        return
    first, text = said[0], _one_line(said[0])
    for before, segment in pairwise(said):
        if _begins_paragraph(before, segment, len(text)):
            yield _paragraph(first, text)
            first, text = segment, _one_line(segment)
        else:
            text = f"{text} {_one_line(segment)}"
    yield _paragraph(first, text)


def _paragraph(first: Segment, text: str) -> Paragraph:
    speaker = " ".join(first.speaker.split()) if first.speaker is not None else None
    return Paragraph(start=first.start, speaker=speaker or None, text=text)


def _begins_paragraph(before: Segment, segment: Segment, characters: int) -> bool:
    return (
        segment.speaker != before.speaker
        or segment.start - before.end >= PARAGRAPH_PAUSE_SECONDS
        or (characters >= PARAGRAPH_CHARACTERS and ends_sentence(before.text))
    )


def _one_line(segment: Segment) -> str:
    return " ".join(segment.text.split())
