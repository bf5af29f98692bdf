"""A transcript as WebVTT (https://www.w3.org/TR/webvtt1/), the form that browsers read; speakers as voice tags."""

from echoic.formats.cues import Cue, clock, make_cues
from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Transcript


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """Return the file header, a comment for each notice, and the cues; text is escaped, so that none reads as a tag."""
    named = options.speakers is not False
    notes = (f"\nNOTE {_escaped(' '.join(notice.message.split()))}\n" for notice in transcript.notices)
    cues = (
        f"\n{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{_payload(cue, named=named)}\n"
        for cue in make_cues(transcript, options)
    )
    return "".join(["WEBVTT\n", *notes, *cues])


def _payload(cue: Cue, *, named: bool) -> str:
    text = "\n".join(map(_escaped, cue.lines))
    if not named or cue.speaker is None or not cue.speaker.split():
        return text
    name = _escaped(" ".join(cue.speaker.split()))
    # With the tag's end two hyphens are an arrow, which no cue may hold; readers drop the blank.
    return f"<v {name}{' ' if name.endswith('--') else ''}>{text}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
