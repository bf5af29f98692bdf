"""How a transcript is to be written, where a format leaves a choice. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteOptions:
    """Choices of the one who asks; a format takes those that it lists in the table of formats."""

    speakers: bool | None = None
    """Whether speakers are named; None: as is usual in the format."""
    max_line_columns: int = 42
    """Width of a subtitle's line: 42 is what subtitle guides allow for Latin letters; a wide (East Asian) character
    takes two columns."""
    max_cue_seconds: float = 7.0
    """Longest time a subtitle is shown."""
    formulas: bool = False
    """Whether cells of a table that begin like a formula are left as they are, for programs that calculate nothing."""


USUAL = WriteOptions()
