"""Transcripts on their way out: one table from a format's name to its writer. Pure; knows neither files nor HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from echoic.formats import json_out, srt, txt, vtt
from echoic.records import Transcript

FormatName = Literal["json", "txt", "srt", "vtt"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One way to write a transcript."""

    write: Callable[[Transcript], str]
    media_type: str
    extension: str


FORMATS: Mapping[FormatName, Format] = {
    "json": Format(write=json_out.write, media_type="application/json", extension="json"),
    "txt": Format(write=txt.write, media_type="text/plain; charset=utf-8", extension="txt"),
    # No type is registered for SubRip; this one is what players and browsers know.
    "srt": Format(write=srt.write, media_type="application/x-subrip; charset=utf-8", extension="srt"),
    "vtt": Format(write=vtt.write, media_type="text/vtt; charset=utf-8", extension="vtt"),
}
