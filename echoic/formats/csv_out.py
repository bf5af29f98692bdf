"""A transcript as comma-separated values (RFC 4180), a row a segment, for spreadsheets and data frames.

A spreadsheet calculates cells that begin like a formula, also where somebody said or wrote that into a transcript. Such
cells begin with an apostrophe here, as OWASP advises against "CSV injection"; ``WriteOptions.formulas`` leaves them.
"""

import csv
import io

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript

COLUMNS = ("start", "end", "speaker", "text", "confidence")

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of a formula: OWASP's list, "CSV Injection", with the full-width forms."""


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """Return a header and a row a segment; times in seconds, an empty cell for an unknown value."""
    named = options.speakers is not False
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(name for name in COLUMNS if named or name != "speaker")
    for segment in transcript.segments:
        written = [segment.speaker, segment.text] if named else [segment.text]
        cells = written if options.formulas else [_as_text(cell) for cell in written]
        writer.writerow([segment.start, segment.end, *cells, segment.confidence])
    return rows.getvalue()


def _as_text(cell: str | None) -> str | None:
    """Return a cell that no spreadsheet takes for a formula; some skip blanks before its first character."""
    if cell is not None and (cell.startswith(FORMULA_SIGNS) or cell.lstrip().startswith(FORMULA_SIGNS)):
        return f"'{cell}"
    return cell
