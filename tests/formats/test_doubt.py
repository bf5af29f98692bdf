"""Text that is likely wrong, in each format."""

import io
from dataclasses import replace

import docx
import pytest

from echoic.formats import FORMATS, FormatName
from echoic.formats.doubt import Doubtful, with_doubt
from echoic.formats.options import WriteOptions
from echoic.records import Transcript
from tests.factories import segment

SURE = replace(segment("We met.", confidence=0.9), quality="ok")
DOUBTED = replace(segment("Ice cream.", start=20.0, confidence=0.45), quality="doubtful")
UNLIKELY = replace(segment("Thank you.", start=40.0, confidence=0.2), quality="doubtful")
TALK = Transcript(item_id=1, title="Talk", language="en", duration_seconds=60.0, segments=(SURE, DOUBTED, UNLIKELY))


def written(form: FormatName, doubtful: Doubtful | None) -> str:
    how = FORMATS[form]
    transcript = with_doubt(TALK, doubtful, is_subtitles=how.is_subtitles)
    content = how.write(transcript, WriteOptions(doubtful=doubtful))
    if isinstance(content, bytes):
        return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)
    return content


@pytest.mark.parametrize("form", ["txt", "csv", "docx"])
def test_doubtful_text_is_marked_for_readers(form: FormatName) -> None:
    text = written(form, None)
    assert "[?] Ice cream." in text
    assert "[?] Thank you." in text
    assert "[?] We met." not in text


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_mark_nothing_and_leave_the_unlikely_out(form: FormatName) -> None:
    text = written(form, None)
    assert "We met." in text
    assert "Ice cream." in text
    assert "Thank you." not in text
    assert "[?]" not in text


@pytest.mark.parametrize("form", ["txt", "csv", "docx", "srt", "vtt"])
def test_every_format_is_written_as_it_is_asked_for(form: FormatName) -> None:
    marked, unmarked, without = (written(form, how) for how in ("marked", "unmarked", "left_out"))
    assert marked.count("[?]") == 2
    assert "[?] Thank you." in marked.replace("\n", " ")
    assert ("[?]" in unmarked, "Thank you." in unmarked, "Ice cream." in unmarked) == (False, True, True)
    assert ("We met." in without, "Ice cream." in without, "Thank you." in without) == (True, False, False)


def test_the_times_of_subtitles_are_the_same_with_a_mark() -> None:
    times = [[line for line in written("srt", how).splitlines() if "-->" in line] for how in ("marked", "unmarked")]
    assert times[0] == times[1]


def test_what_is_left_keeps_its_place() -> None:
    (_, last) = with_doubt(replace(TALK, segments=(SURE, DOUBTED, SURE)), "left_out", is_subtitles=False).segments
    assert last.position == 2
