"""The diarizer's turns as people corrected them: each moment of a label goes where people put its nearest segment."""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Item
from echoic.db.speakers import diarizations
from echoic.db.transcripts import corrections, spoken
from echoic.db.transcripts.spoken import Spoken
from echoic.db.transcripts.transcripts import SelectedTranscript, Selection
from echoic.records import SpeakerTurn


async def turns_of_selection(
    session: AsyncSession, item: Item, found: SelectedTranscript, selection: Selection
) -> tuple[SpeakerTurn, ...] | None:
    """Return the turns that a selection of a transcript takes, as they are in the version that was found.

    None where the speakers were not told apart, and for a page of segments, since turns are no segments.
    """
    if selection.is_page:
        return None
    transcript = await corrections.transcript_of_version(session, item, found.version)
    diarization = None if transcript is None else await diarizations.load_diarization(session, transcript.id)
    if transcript is None or diarization is None:
        return None
    segments = await spoken.spoken_in(session, transcript.id, found.version)
    # In a thread: hours of speech take a noticeable time.
    turns = await asyncio.to_thread(corrected_turns, diarization.turns, segments)
    return tuple(turn for turn in turns if selection.takes(turn, found.transcript.names))


def corrected_turns(turns: Sequence[SpeakerTurn], segments: Iterable[Spoken]) -> list[SpeakerTurn]:
    """Return turns with the speakers that people gave to segments, in order of time. Pure.

    ``turns`` are in order of their starts, and those of one speaker do not overlap.

    Turns of a label of which no segment was given to another stay as they are. The others are cut in the middle between
    segments, so that all of a label's speech goes with a segment, words or not. Where nobody was heard in a segment
    that people gave to a speaker, the segment is a turn.
    """
    by_label: dict[str | None, list[Spoken]] = defaultdict(list)
    for segment in segments:
        by_label[segment.heard].append(segment)
    changed = {label: some for label, some in by_label.items() if any(one.said != label for one in some)}
    found = [turn for turn in turns if turn.speaker not in changed]
    for label, some in changed.items():
        of_label = [turn for turn in turns if turn.speaker == label]
        found += _given_on(of_label, some)
        found += _unheard(of_label, [one for one in some if one.said != label])
    return _joined(found) if changed else found


def _given_on(turns: Sequence[SpeakerTurn], segments: Sequence[Spoken]) -> Iterator[SpeakerTurn]:
    """Yield the parts of one label's turns, each with the speaker of the nearest segment."""
    ordered = sorted(segments, key=lambda one: (one.start, one.end))
    borders = list(accumulate(((before.end + after.start) / 2 for before, after in pairwise(ordered)), max))
    for turn in turns:
        start = turn.start
        for index in range(bisect_right(borders, turn.start), len(ordered)):
            border = borders[index] if index < len(borders) else turn.end
            end, speaker = min(max(border, start), turn.end), ordered[index].said
            if end > start and speaker is not None:
                yield SpeakerTurn(start=start, end=end, speaker=speaker)
            start = end
            if start >= turn.end:
                break


def _unheard(turns: Sequence[SpeakerTurn], segments: Iterable[Spoken]) -> Iterator[SpeakerTurn]:
    """Yield as turns the segments that were given to somebody where no turn of their former label is."""
    ends = [turn.end for turn in turns]
    for segment in segments:
        after = bisect_right(ends, segment.start)
        is_heard = after < len(turns) and turns[after].start < segment.end
        if segment.said is not None and not is_heard:
            yield SpeakerTurn(start=segment.start, end=segment.end, speaker=segment.said)


def _joined(turns: Iterable[SpeakerTurn]) -> list[SpeakerTurn]:
    """Turns of one speaker that touch or overlap become one."""
    last: dict[str, SpeakerTurn] = {}
    joined = []
    for turn in sorted(turns, key=lambda one: one.start):
        before = last.get(turn.speaker)
        if before is not None and turn.start <= before.end:
            last[turn.speaker] = SpeakerTurn(start=before.start, end=max(before.end, turn.end), speaker=turn.speaker)
            continue
        if before is not None:
            joined.append(before)
        last[turn.speaker] = turn
    return sorted([*joined, *last.values()], key=lambda one: (one.start, one.end, one.speaker))
