"""A transcript as plain text for reading: paragraphs, each with its speaker's name where that is known."""

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript
from echoic.text.paragraphs import Paragraph, make_paragraphs


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """Return paragraphs with an empty line between them; an empty text without speech."""
    named = options.speakers is not False
    return "\n".join(f"{_line(paragraph, named=named)}\n" for paragraph in make_paragraphs(transcript.segments))


def _line(paragraph: Paragraph, *, named: bool) -> str:
    return f"{paragraph.speaker}: {paragraph.text}" if named and paragraph.speaker else paragraph.text
