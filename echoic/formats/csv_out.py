"""A transcript as comma-separated values (RFC 4180), a row a segment, for spreadsheets and data frames."""

import csv
import io

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript

COLUMNS = ("start", "end", "speaker", "text", "confidence")


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """A header and a row a segment; times in seconds, an empty cell for what is not known."""
    named = options.speakers is not False
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(name for name in COLUMNS if named or name != "speaker")
    for segment in transcript.segments:
        speaker = [segment.speaker] if named else []
        writer.writerow([segment.start, segment.end, *speaker, segment.text, segment.confidence])
    return rows.getvalue()
