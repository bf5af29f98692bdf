"""Each format on one small transcript, and the table of formats."""

import json
import re
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from echoic.formats import FORMATS, FormatName
from echoic.records import EngineId, Segment, Transcript, Word

TALK = Transcript(
    item_id=84217,
    title="Q3 — ACME",
    language="en",
    duration_seconds=12.5,
    speakers=("Anna", "SPEAKER_01"),
    engine=EngineId(name="faster-whisper", model="base", version="1.2.1"),
    segments=(
        Segment(
            start=0.5,
            end=1.75,
            text="Is 3 < 4 & true?",
            speaker="Anna",
            confidence=0.91,
            words=(
                Word(text="Is", start=0.5, end=0.7, score=0.99, speaker="Anna"),
                Word(text="3 < 4", start=0.7, end=1.2, score=0.8),
            ),
        ),
        Segment(start=2.0, end=3.0, text="It  is.\n", speaker="Anna"),
        Segment(start=6.0, end=7.0, text="Good.", speaker="Anna"),
        Segment(start=7.0, end=8.0, text="<b>Fine</b> --> done", speaker="SPEAKER_01"),
        Segment(start=8.0, end=9.0, text="  "),
    ),
)
SILENCE = Transcript(item_id=1, title="Silence", language=None, duration_seconds=3.0, segments=())


def test_json_holds_all_that_is_known() -> None:
    written = json.loads(FORMATS["json"].write(TALK))
    assert {name: written[name] for name in written if name != "segments"} == {
        "item_id": 84217,
        "title": "Q3 — ACME",
        "language": "en",
        "duration_seconds": 12.5,
        "engine": {"name": "faster-whisper", "model": "base", "version": "1.2.1"},
        "speakers": ["Anna", "SPEAKER_01"],
    }
    assert [segment["id"] for segment in written["segments"]] == [0, 1, 2, 3, 4]
    assert written["segments"][0] == {
        "id": 0,
        "start": 0.5,
        "end": 1.75,
        "speaker": "Anna",
        "text": "Is 3 < 4 & true?",
        "confidence": 0.91,
        "words": [
            {"word": "Is", "start": 0.5, "end": 0.7, "score": 0.99, "speaker": "Anna"},
            {"word": "3 < 4", "start": 0.7, "end": 1.2, "score": 0.8, "speaker": None},
        ],
    }


def test_text_begins_a_paragraph_at_a_pause_and_at_another_speaker() -> None:
    assert FORMATS["txt"].write(TALK) == (
        "Anna: Is 3 < 4 & true? It is.\n\nAnna: Good.\n\nSPEAKER_01: <b>Fine</b> --> done\n"
    )


def test_text_without_speakers_has_paragraphs_that_end_with_a_sentence() -> None:
    sentence = "word " * 40 + "end."
    segments = tuple(Segment(start=float(n), end=n + 1.0, text=sentence) for n in range(6))
    paragraphs = FORMATS["txt"].write(
        Transcript(item_id=1, title="", language=None, duration_seconds=6.0, segments=segments)
    )
    assert paragraphs == "\n".join([" ".join([sentence] * 3) + "\n"] * 2)


def test_subrip_numbers_its_cues() -> None:
    assert FORMATS["srt"].write(TALK) == (
        "1\n00:00:00,500 --> 00:00:01,750\nIs 3 < 4 & true?\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nIt is.\n\n"
        "3\n00:00:06,000 --> 00:00:07,000\nGood.\n\n"
        "4\n00:00:07,000 --> 00:00:08,000\n<b>Fine</b> --> done\n\n"
    )


def test_webvtt_names_the_speakers_and_escapes_the_text() -> None:
    assert FORMATS["vtt"].write(TALK) == (
        "WEBVTT\n"
        "\n00:00:00.500 --> 00:00:01.750\n<v Anna>Is 3 &lt; 4 &amp; true?\n"
        "\n00:00:02.000 --> 00:00:03.000\n<v Anna>It is.\n"
        "\n00:00:06.000 --> 00:00:07.000\n<v Anna>Good.\n"
        "\n00:00:07.000 --> 00:00:08.000\n<v SPEAKER_01>&lt;b&gt;Fine&lt;/b&gt; --&gt; done\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_breaks_out_of_its_webvtt_cue(text: str, speaker: str) -> None:
    segment = Segment(start=0.0, end=1.0, text=text, speaker=speaker)
    written = FORMATS["vtt"].write(
        Transcript(item_id=1, title="", language=None, duration_seconds=1.0, segments=(segment,))
    )
    header, *blocks = written.split("\n\n")
    assert header.strip() == "WEBVTT"
    for block in blocks:
        timing, *lines = block.removesuffix("\n").split("\n")
        assert re.fullmatch(r"[\d:.]{12} --> [\d:.]{12}", timing)
        assert 1 <= len(lines) <= 2
        payload = re.sub(r"^<v [^<>\n]+>", "", "\n".join(lines))
        assert "<" not in payload
        assert "-->" not in payload


@pytest.mark.parametrize(("name", "written"), [("txt", ""), ("srt", ""), ("vtt", "WEBVTT\n")])
def test_a_silent_recording_is_written_as_a_valid_empty_file(name: FormatName, written: str) -> None:
    assert FORMATS[name].write(SILENCE) == written


def test_the_table_has_every_format_that_may_be_asked_for() -> None:
    assert set(FORMATS) == set(get_args(FormatName))
