"""Speaker turns as RTTM, which diarization tools score (NIST, Rich Transcription 2009 evaluation plan, appendix A)."""

from collections.abc import Iterator

from echoic.formats.options import USUAL, WriteOptions
from echoic.records import Segment, SpeakerTurn, Transcript

JOIN_PAUSE_SECONDS = 0.5
"""The longest pause between two words of one turn."""
MADE_OF_WORDS = ";; These turns are made of the words, for there are none of the diarizer for them.\n"


def write(transcript: Transcript, options: WriteOptions = USUAL) -> str:
    """Return a comment line for each notice and a line a turn, times in seconds; no turns where no speaker is known.

    Where the diarizer's turns are wanted and there are none, a comment says that they are made of the words. Names are
    written without spaces.
    """
    comments = [f";; {' '.join(notice.message.split())}\n" for notice in transcript.notices]
    if options.turns == "speech" and transcript.turns is not None:
        turns = [turn for turn in transcript.turns if turn.speaker.split()]
    else:
        turns = list(_joined(_spoken(transcript.segments)))
        if turns and options.turns == "speech":
            comments.append(MADE_OF_WORDS)
    return "".join(comments) + "".join(
        f"SPEAKER item-{transcript.item_id} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> "
        f"{'_'.join(turn.speaker.split())} <NA> <NA>\n"
        for turn in turns
    )


def _spoken(segments: tuple[Segment, ...]) -> Iterator[SpeakerTurn]:
    for segment in segments:
        timed = segment.words or (segment,)
        for part in timed:
            speaker = part.speaker or segment.speaker
            if speaker is not None and speaker.split() and part.end > part.start:
                yield SpeakerTurn(start=part.start, end=part.end, speaker=speaker)


def _joined(parts: Iterator[SpeakerTurn]) -> Iterator[SpeakerTurn]:
    turn: SpeakerTurn | None = None
    for part in parts:
        if turn is not None and part.speaker == turn.speaker and part.start - turn.end <= JOIN_PAUSE_SECONDS:
            turn = SpeakerTurn(start=turn.start, end=max(turn.end, part.end), speaker=turn.speaker)
            continue
        if turn is not None:
            yield turn
        turn = part
    if turn is not None:
        yield turn
