"""A transcript as a document for word processors: title, length and language, paragraphs with time and speaker."""

import io
import re
import zipfile

from echoic.formats.archive import pack
from echoic.formats.cues import clock
from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript
from echoic.text.paragraphs import make_paragraphs

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


def write(transcript: Transcript, options: WriteOptions = USUAL) -> bytes:
    """Return the document's file. Characters that XML cannot hold are left out."""
    import docx

    named = options.speakers is not False
    document = docx.Document()
    document.core_properties.title = _text(transcript.title)[:255]
    document.core_properties.author = ""
    document.add_heading(_text(transcript.title) or f"Item {transcript.item_id}", level=1)
    document.add_paragraph(_facts(transcript))
    for notice in transcript.notices:
        document.add_paragraph().add_run(_text(notice.message)).italic = True
    for paragraph in make_paragraphs(transcript.segments):
        written = document.add_paragraph()
        written.add_run(f"{_clock(paragraph.start)}  ").italic = True
        if named and paragraph.speaker:
            written.add_run(f"{_text(paragraph.speaker)}: ").bold = True
        written.add_run(_text(paragraph.text))
    file = io.BytesIO()
    document.save(file)
    return _untimed(file)


def _untimed(file: io.BytesIO) -> bytes:
    """Return the file with the same time on every part: the same transcript makes the same bytes."""
    with zipfile.ZipFile(file) as parts:
        return pack({name: parts.read(name) for name in parts.namelist()})


def _facts(transcript: Transcript) -> str:
    facts = []
    if transcript.duration_seconds is not None:
        facts.append(_clock(transcript.duration_seconds))
    if transcript.language is not None:
        facts.append(transcript.language)
    if transcript.speakers:
        facts.append(", ".join(_text(speaker) for speaker in transcript.speakers))
    return " · ".join(facts)


def _clock(seconds: float) -> str:
    return clock(round(seconds * 1000), ".").partition(".")[0]


def _text(text: str) -> str:
    return NOT_XML.sub("", text)
