"""Transcripts on their way out: one table from a format's name to its writer. Pure; knows neither files nor HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from echoic.formats import csv_out, docx_out, json_out, rttm, srt, txt, vtt
from echoic.formats.options import WriteOptions
from echoic.records import Transcript

FormatName = Literal["json", "txt", "srt", "vtt", "csv", "rttm", "docx"]

TURN_OPTIONS = frozenset({"turns"})
SUBTITLE_OPTIONS = frozenset({"speakers", "max_line_columns", "max_cue_seconds", "doubtful"})
TEXT_OPTIONS = frozenset({"speakers", "doubtful"})
TABLE_OPTIONS = frozenset({"speakers", "formulas", "doubtful"})
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One way to write a transcript."""

    write: Callable[[Transcript, WriteOptions], str | bytes]
    media_type: str
    options: frozenset[str] = frozenset()
    """The fields of ``WriteOptions`` that make a difference."""
    is_subtitles: bool = False


FORMATS: Mapping[FormatName, Format] = {
    "json": Format(write=json_out.write, media_type="application/json", options=frozenset({"doubtful"})),
    "txt": Format(write=txt.write, media_type="text/plain; charset=utf-8", options=TEXT_OPTIONS),
    # No type is registered for SubRip; this one is what players and browsers know.
    "srt": Format(
        write=srt.write, media_type="application/x-subrip; charset=utf-8", options=SUBTITLE_OPTIONS, is_subtitles=True
    ),
    "vtt": Format(write=vtt.write, media_type="text/vtt; charset=utf-8", options=SUBTITLE_OPTIONS, is_subtitles=True),
    "csv": Format(write=csv_out.write, media_type="text/csv; charset=utf-8", options=TABLE_OPTIONS),
    # Not registered either: a table of text.
    "rttm": Format(write=rttm.write, media_type="text/plain; charset=utf-8", options=TURN_OPTIONS),
    "docx": Format(write=docx_out.write, media_type=WORD_TYPE, options=TEXT_OPTIONS),
}
