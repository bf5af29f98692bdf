"""A transcript as SubRip subtitles, the form that every player reads."""

from echoic.formats.cues import Cue, clock, make_cues
from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript

BEGINS_A_CUE = "-->"
ARROW = "→"


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """Return numbered cues with an empty line after each; an empty text without speech.

    The format has no place for speakers: where they are asked for, a name stands before the first words of its turn.
    An arrow in the text is written as one character, since parsers begin a cue at `-->` and the format knows no escapes.
    """
    cues = make_cues(transcript, options, name_turns=options.speakers is True)
    return "".join(_block(number, cue) for number, cue in enumerate(cues, start=1))


def _block(number: int, cue: Cue) -> str:
    text = "\n".join(cue.lines).replace(BEGINS_A_CUE, ARROW)
    return f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n\n"
