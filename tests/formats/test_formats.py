"""Each format on one small transcript, and the table of formats."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from typing import get_args

import docx
import pytest
from hypothesis import given, strategies as st

from echoic.formats import FORMATS, FormatName, csv_out, srt, vtt
from echoic.formats.archive import EARLIEST, pack
from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Segment, SpeakerTurn, Transcript, Word
from tests.formats.talks import TALK

CSV_OPTIONS = (USUAL, WriteOptions(formulas=True), WriteOptions(speakers=False))

SILENCE = Transcript(item_id=1, title="Silence", language=None, duration_seconds=3.0, segments=())


def test_json_holds_all_that_is_known() -> None:
    written = json.loads(FORMATS["json"].write(TALK, USUAL))
    assert {name: written[name] for name in written if name != "segments"} == {
        "item_id": 84217,
        "title": "Q3 — ACME",
        "language": "en",
        "language_probability": 0.98,
        "duration_seconds": 12.5,
        "engine": {"name": "faster-whisper", "model": "base", "version": "1.2.1"},
        "speakers": ["Anna", "SPEAKER_01"],
        "speaker_names": {},
        "notices": [],
    }
    assert [segment["id"] for segment in written["segments"]] == [0, 1, 2, 3, 4]
    assert written["segments"][0] == {
        "id": 0,
        "start": 0.5,
        "end": 1.75,
        "speaker": "Anna",
        "speaker_name": None,
        "text": "Is 3 < 4 & true?",
        "confidence": 0.91,
        "no_speech_probability": 0.02,
        "compression_ratio": 1.3,
        "quality": "repaired",
        "language": None,
        "words": [
            {"word": "Is", "start": 0.5, "end": 0.7, "score": 0.99, "speaker": "Anna"},
            {"word": "3 < 4", "start": 0.7, "end": 1.2, "score": 0.8, "speaker": None},
        ],
    }


def test_a_known_name_stands_beside_the_label_in_json_and_in_its_place_elsewhere() -> None:
    named = replace(TALK, names={"SPEAKER_01": "Bert"})
    written = json.loads(FORMATS["json"].write(named, USUAL))
    assert (written["speakers"], written["speaker_names"]) == (["Anna", "SPEAKER_01"], {"SPEAKER_01": "Bert"})
    assert [segment["speaker_name"] for segment in written["segments"]] == [None, None, None, "Bert", None]
    assert "Bert: <b>Fine</b> --> done\n" in str(FORMATS["txt"].write(named.with_names(), USUAL))
    same = replace(TALK, names={"SPEAKER_01": "Anna"}).with_names()
    assert same.speakers == ("Anna",), "two labels of one person are one person"
    assert [segment.speaker for segment in same.segments] == ["Anna"] * 4 + [None]


def test_text_begins_a_paragraph_at_a_pause_and_at_another_speaker() -> None:
    assert FORMATS["txt"].write(TALK, USUAL) == (
        "Anna: Is 3 < 4 & true? It is.\n\nAnna: Good.\n\nSPEAKER_01: <b>Fine</b> --> done\n"
    )


def test_text_without_speakers_has_paragraphs_that_end_with_a_sentence() -> None:
    sentence = "word " * 40 + "end."
    segments = tuple(Segment(start=float(n), end=n + 1.0, text=sentence) for n in range(6))
    paragraphs = FORMATS["txt"].write(
        Transcript(item_id=1, title="", language=None, duration_seconds=6.0, segments=segments),
        USUAL,
    )
    assert paragraphs == "\n".join([" ".join([sentence] * 3) + "\n"] * 2)


def test_subrip_numbers_its_cues() -> None:
    assert FORMATS["srt"].write(TALK, USUAL) == (
        "1\n00:00:00,500 --> 00:00:01,750\nIs 3 < 4 & true?\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\nIt is.\n\n"
        "3\n00:00:06,000 --> 00:00:07,000\nGood.\n\n"
        "4\n00:00:07,000 --> 00:00:08,000\n<b>Fine</b> → done\n\n"
    )


@given(st.text("->a \n"), st.text("->a \n"))
def test_no_text_begins_another_cue_of_subrip_or_webvtt(text: str, speaker: str) -> None:
    segment = Segment(start=0.0, end=1.0, text=f"{text} x", speaker=speaker)
    talk = Transcript(item_id=1, title="", language=None, duration_seconds=1.0, segments=(segment,))
    options = WriteOptions(speakers=True, max_line_columns=400, max_cue_seconds=100.0)
    for written in (srt.write(talk, options), vtt.write(talk, options)):
        assert [line for line in written.splitlines() if "-->" in line and not line.startswith("00:00:")] == []


def test_webvtt_names_the_speakers_and_escapes_the_text() -> None:
    assert FORMATS["vtt"].write(TALK, USUAL) == (
        "WEBVTT\n"
        "\n00:00:00.500 --> 00:00:01.750\n<v Anna>Is 3 &lt; 4 &amp; true?\n"
        "\n00:00:02.000 --> 00:00:03.000\n<v Anna>It is.\n"
        "\n00:00:06.000 --> 00:00:07.000\n<v Anna>Good.\n"
        "\n00:00:07.000 --> 00:00:08.000\n<v SPEAKER_01>&lt;b&gt;Fine&lt;/b&gt; --&gt; done\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_breaks_out_of_its_webvtt_cue(text: str, speaker: str) -> None:
    segment = Segment(start=0.0, end=1.0, text=text, speaker=speaker)
    written = vtt.write(
        Transcript(item_id=1, title="", language=None, duration_seconds=1.0, segments=(segment,)),
        USUAL,
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


def test_subtitles_take_the_line_width_the_time_and_the_speakers_asked_for() -> None:
    narrow = WriteOptions(max_line_columns=16, max_cue_seconds=1.0, speakers=True)
    cues = [block.split("\n") for block in srt.write(TALK, narrow).removesuffix("\n\n").split("\n\n")]
    assert [lines for _, _, *lines in cues] == [
        ["Anna: Is 3 <"],
        ["4 & true?"],
        ["It is."],
        ["Good."],
        ["SPEAKER_01:", "<b>Fine</b>"],
        ["→ done"],
    ]
    assert [number for number, *_ in cues] == ["1", "2", "3", "4", "5", "6"]


def test_speakers_are_left_out_where_nobody_wants_them() -> None:
    nameless = WriteOptions(speakers=False)
    names: tuple[FormatName, ...] = ("txt", "vtt", "csv")
    for name in names:
        assert "Anna" in str(FORMATS[name].write(TALK, USUAL))
        assert "Anna" not in str(FORMATS[name].write(TALK, nameless))


def test_csv_keeps_line_breaks_and_separators_inside_a_cell() -> None:
    segment = Segment(start=1.0, end=2.5, text='He said "no",\nthen left.', speaker="Ann, a", confidence=0.5)
    written = FORMATS["csv"].write(replace(TALK, segments=(segment,)), USUAL)
    assert isinstance(written, str)
    assert list(csv.reader(io.StringIO(written, newline=""))) == [
        ["start", "end", "speaker", "text", "confidence"],
        ["1.0", "2.5", "Ann, a", 'He said "no",\nthen left.', "0.5"],
    ]


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "  =1+1", "\u00a0@x"]


@pytest.mark.parametrize("written", DANGEROUS)
def test_csv_has_no_cell_that_a_spreadsheet_calculates(written: str) -> None:
    segment = Segment(start=-1.0, end=2.5, text=written, speaker=written, confidence=0.5)
    talk = replace(TALK, segments=(segment,))
    rows = [list(csv.reader(io.StringIO(str(csv_out.write(talk, options)), newline=""))) for options in CSV_OPTIONS]
    assert rows[0][1] == ["-1.0", "2.5", f"'{written}", f"'{written}", "0.5"]
    assert rows[1][1] == ["-1.0", "2.5", written, written, "0.5"]
    assert rows[2][1] == ["-1.0", "2.5", f"'{written}", "0.5"]


@pytest.mark.parametrize("written", ["1=1", "a-b", "'quoted'", "", "5", "Yes - no", "„=“"])
def test_csv_leaves_every_other_cell_as_it_is(written: str) -> None:
    segment = Segment(start=0.0, end=2.5, text=written, speaker=None)
    rows = list(csv.reader(io.StringIO(csv_out.write(replace(TALK, segments=(segment,))), newline="")))
    assert rows[1] == ["0.0", "2.5", "", written, ""]


def test_rttm_joins_the_words_of_a_turn_and_parts_turns_at_pauses_and_speakers() -> None:
    words = (
        Word(text="So", start=0.0, end=0.4, score=1.0, speaker="Anna Lee"),
        Word(text="then", start=0.6, end=1.0, score=1.0, speaker="Anna Lee"),
        Word(text="no", start=1.0, end=1.2, score=1.0, speaker="Ben"),
        Word(text="later", start=5.0, end=5.5, score=1.0, speaker="Ben"),
        Word(text="hm", start=6.0, end=6.0, score=1.0, speaker="Ben"),
    )
    talk = replace(TALK, segments=(Segment(start=0.0, end=6.0, text="So then no later hm", words=words),))
    turns = str(FORMATS["rttm"].write(talk, WriteOptions(turns="words")))
    assert turns == (
        "SPEAKER item-84217 1 0.000 1.000 <NA> <NA> Anna_Lee <NA> <NA>\n"
        "SPEAKER item-84217 1 1.000 0.200 <NA> <NA> Ben <NA> <NA>\n"
        "SPEAKER item-84217 1 5.000 0.500 <NA> <NA> Ben <NA> <NA>\n"
    )
    comment, rest = str(FORMATS["rttm"].write(talk, USUAL)).split("\n", 1)
    assert (comment[:3], rest) == (";; ", turns), "where there are no turns of the diarizer"


def test_rttm_has_the_diarizers_turns_with_their_overlap_and_with_names() -> None:
    turns = (SpeakerTurn(start=0.0, end=4.0, speaker="Anna"), SpeakerTurn(start=1.5, end=2.25, speaker="SPEAKER_01"))
    talk = replace(TALK, turns=turns, names={"SPEAKER_01": "Ben Y"}).with_names()
    assert FORMATS["rttm"].write(talk, USUAL) == (
        "SPEAKER item-84217 1 0.000 4.000 <NA> <NA> Anna <NA> <NA>\n"
        "SPEAKER item-84217 1 1.500 0.750 <NA> <NA> Ben_Y <NA> <NA>\n"
    )


def test_a_document_holds_title_facts_and_paragraphs_whatever_characters_they_have() -> None:
    title = "Q3 \x00\x0b\ufffe— ACME"
    written = FORMATS["docx"].write(replace(TALK, title=title), USUAL)
    assert isinstance(written, bytes)
    assert [paragraph.text for paragraph in docx.Document(io.BytesIO(written)).paragraphs] == [
        "Q3 — ACME",
        "00:00:12 · en · Anna, SPEAKER_01",
        "00:00:00  Anna: Is 3 < 4 & true? It is.",
        "00:00:06  Anna: Good.",
        "00:00:07  SPEAKER_01: <b>Fine</b> --> done",
    ]


def test_a_document_does_not_depend_on_when_it_is_written() -> None:
    written = FORMATS["docx"].write(TALK, USUAL)
    assert isinstance(written, bytes)
    assert {part.date_time for part in zipfile.ZipFile(io.BytesIO(written)).infolist()} == {EARLIEST.timetuple()[:6]}
    assert docx.Document(io.BytesIO(written)).core_properties.created == docx.Document().core_properties.created


def test_a_document_writes_times_beyond_a_hundred_hours_whole() -> None:
    late = replace(TALK, duration_seconds=360_012.0, segments=(Segment(start=360_001.0, end=360_002.0, text="Still."),))
    written = FORMATS["docx"].write(late, USUAL)
    assert isinstance(written, bytes)
    _, facts, said = [paragraph.text for paragraph in docx.Document(io.BytesIO(written)).paragraphs]
    assert facts.startswith("100:00:12 ")
    assert said == "100:00:01  Still."


def test_a_segment_keeps_its_place_in_the_whole_transcript_when_it_is_written_alone() -> None:
    alone = replace(TALK, segments=(replace(TALK.segments[3], position=3),))
    assert json.loads(FORMATS["json"].write(alone, USUAL))["segments"][0]["id"] == 3


def test_an_archive_of_the_same_files_is_the_same_archive() -> None:
    packed = pack({"a.txt": "Grüße", "b.docx": b"\0\1"})
    assert packed == pack({"a.txt": "Grüße", "b.docx": b"\0\1"})
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": "Grüße".encode(),
            "b.docx": b"\0\1",
        }


@pytest.mark.parametrize(("name", "written"), [("txt", ""), ("srt", ""), ("vtt", "WEBVTT\n"), ("rttm", "")])
def test_a_silent_recording_is_written_as_a_valid_empty_file(name: FormatName, written: str) -> None:
    assert FORMATS[name].write(SILENCE, USUAL) == written


def test_the_table_has_every_format_that_may_be_asked_for() -> None:
    assert set(FORMATS) == set(get_args(FormatName))
