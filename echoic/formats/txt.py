"""A transcript as plain text for reading: paragraphs, each with its speaker's name where that is known."""

from collections.abc import Iterator
from itertools import pairwise

from echoic.records import Segment, Transcript

PARAGRAPH_PAUSE_SECONDS = 2.0
"""A pause of this length begins a new paragraph."""
PARAGRAPH_CHARACTERS = 600
"""A paragraph of this length ends with its next sentence."""

SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")


def write(transcript: Transcript) -> str:
    """Paragraphs with an empty line between them; the empty text where nothing was said."""
    return "\n".join(f"{paragraph}\n" for paragraph in _paragraphs(transcript.segments))


def _paragraphs(segments: tuple[Segment, ...]) -> Iterator[str]:
    said = [segment for segment in segments if segment.text.split()]
    if not said:
        return
    speaker, text = said[0].speaker, _one_line(said[0])
    for before, segment in pairwise(said):
        if _begins_paragraph(before, segment, len(text)):
            yield _named(speaker, text)
            speaker, text = segment.speaker, _one_line(segment)
        else:
            text = f"{text} {_one_line(segment)}"
    yield _named(speaker, text)


def _begins_paragraph(before: Segment, segment: Segment, characters: int) -> bool:
    return (
        segment.speaker != before.speaker
        or segment.start - before.end >= PARAGRAPH_PAUSE_SECONDS
        or (characters >= PARAGRAPH_CHARACTERS and before.text.rstrip().endswith(SENTENCE_ENDS))
    )


def _one_line(segment: Segment) -> str:
    return " ".join(segment.text.split())


def _named(speaker: str | None, text: str) -> str:
    return text if speaker is None else f"{' '.join(speaker.split())}: {text}"
