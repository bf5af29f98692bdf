"""A transcript as SubRip subtitles, the form that every player reads."""

from echoic.formats.cues import Cue, clock, make_cues
from echoic.records import Transcript


def write(transcript: Transcript) -> str:
    """Numbered cues with an empty line after each; the empty text where nothing was said."""
    return "".join(_block(number, cue) for number, cue in enumerate(make_cues(transcript), start=1))


def _block(number: int, cue: Cue) -> str:
    text = "\n".join(cue.lines)
    return f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n\n"
