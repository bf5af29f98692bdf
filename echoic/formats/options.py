"""The choices that formats leave for writing a transcript. Pure."""

from dataclasses import dataclass
from typing import Literal

from echoic.formats.doubt import Doubtful

TurnSource = Literal["speech", "words"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteOptions:
    """The choices of a caller; a format takes those that it lists in the table of formats."""

    speakers: bool | None = None
    """True names the speakers; None does what is usual in the format."""
    max_line_columns: int = 42
    """Width of a subtitle's line: 42 is what subtitle guides allow for Latin letters; a wide (East Asian) character
    takes two columns."""
    max_cue_seconds: float = 7.0
    """Longest time a subtitle is shown."""
    formulas: bool = False
    """True leaves cells of a table that begin like a formula as they are, for programs that calculate nothing."""
    turns: TurnSource = "speech"
    """Turns of the diarizer, overlap and sounds without words included; or turns made of the words, one speaker at a
    time."""
    doubtful: Doubtful | None = None
    """Text that is likely wrong; None does what is usual in the format.

    In JSON, which names each segment's quality, it can only be left out.
    """


USUAL = WriteOptions()
