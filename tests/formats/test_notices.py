"""How the formats that have a place for them show a transcript's notices."""

import io
import json
from dataclasses import replace

import docx

from echoic.formats import FORMATS, FormatName
from echoic.formats.options import WriteOptions
from echoic.notices import Notice
from tests.formats.talks import TALK

ODD = Notice(code="file_ends_early", message="It ends\nearly --> at 5 s.", detail={"seconds": 5.0})
NOTICED = replace(TALK, notices=(ODD,))


def written(form: FormatName) -> str | bytes:
    return FORMATS[form].write(NOTICED, WriteOptions())


def test_json_has_notices_as_objects() -> None:
    (notice,) = json.loads(written("json"))["notices"]
    assert notice == {"code": "file_ends_early", "message": ODD.message, "detail": {"seconds": 5.0}}


def test_webvtt_has_a_comment_that_cannot_be_taken_for_a_cue() -> None:
    text = str(written("vtt"))
    assert text.startswith("WEBVTT\n\nNOTE It ends early --&gt; at 5 s.\n\n00:00:00.500 --> ")


def test_rttm_has_a_comment_line() -> None:
    first, *_, last = str(written("rttm")).splitlines()
    assert first == ";; It ends early --> at 5 s."
    assert last.startswith("SPEAKER ")


def test_a_word_document_says_it_below_the_title() -> None:
    content = written("docx")
    assert isinstance(content, bytes)
    texts = [paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs]
    assert texts[2] == ODD.message


def test_formats_of_text_alone_stay_as_they_are() -> None:
    for form in ("txt", "srt", "csv"):
        assert written(form) == FORMATS[form].write(TALK, WriteOptions())
