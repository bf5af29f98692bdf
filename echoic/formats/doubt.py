"""Doubtful text, which is likely wrong, in transcripts on their way out: marked, left out, or as any other. Pure."""

from dataclasses import replace
from typing import Literal

from echoic.records import Segment, Transcript, Word
from echoic.text.doubt import is_unlikely

Doubtful = Literal["marked", "left_out", "unmarked"]

MARK = "[?]"
"""Stands before text that is likely wrong."""


def with_doubt(transcript: Transcript, doubtful: Doubtful | None, *, is_subtitles: bool) -> Transcript:
    """Return the transcript with its doubtful segments as they are wanted.

    None marks them, and in subtitles leaves the unlikely ones out and marks none.
    """
    if doubtful == "left_out":
        return without_doubtful(transcript)
    if doubtful is None and is_subtitles:
        return replace(
            transcript,
            segments=tuple(one for one in transcript.segments if not is_unlikely(one.quality, one.confidence)),
        )
    if doubtful == "unmarked":
        return transcript
    return replace(transcript, segments=tuple(map(_marked, transcript.segments)))


def without_doubtful(transcript: Transcript) -> Transcript:
    """Return the transcript without its doubtful segments; the others keep their places."""
    kept = (
        replace(segment, position=position if segment.position is None else segment.position)
        for position, segment in enumerate(transcript.segments)
        if segment.quality != "doubtful"
    )
    return replace(transcript, segments=tuple(kept))


def _marked(segment: Segment) -> Segment:
    if segment.quality != "doubtful" or not segment.text.strip():
        return segment
    mark = Word(text=MARK, start=segment.start, end=segment.start, score=1.0, speaker=segment.speaker)
    return replace(segment, text=f"{MARK} {segment.text}", words=(mark, *segment.words) if segment.words else ())
