"""Changes who speaks in an item: names labels, merges two labels, splits segments off a label.

Callers hold the locks on the item and on the library's voices.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.corrections.edit import changes_of, reassigned, segments_named
from echoic.corrections.write import Edited, write
from echoic.db.speakers import appearances
from echoic.db.speakers.speakers import Naming
from echoic.db.transcripts import corrections
from echoic.db.transcripts.corrections import Change
from echoic.db.transcripts.transcripts import Segment, Transcript
from echoic.errors import FieldInvalid
from echoic.records import speaker_label

_NUMBERED = re.compile(r"SPEAKER_([0-9]{1,9})")


async def name(
    session: AsyncSession,
    transcript: Transcript,
    labels: Collection[str],
    *,
    speaker_id: int | None,
    learn: bool,
    account_id: int,
) -> Edited:
    """Name the speaker of some labels, or nobody by None; with ``learn``, the speaker is recognized by these voices."""
    said = {
        label: await appearances.said_naming(session, transcript.id, label, speaker_id=speaker_id, learn=learn)
        for label in labels
    }
    return await write(session, transcript, (), labels=said, account_id=account_id)


async def merge(session: AsyncSession, transcript: Transcript, label: str, *, into: str, account_id: int) -> Edited:
    """Give all segments of a label to another label, which keeps its name and voice."""
    positions = await corrections.positions_of(session, transcript.id, label)
    rows = await corrections.segments_at(session, transcript.id, positions)
    # In a thread: hours of speech take a noticeable time, and other requests are served meanwhile.
    changes = await asyncio.to_thread(_moved, rows, into)
    return await write(session, transcript, changes, account_id=account_id)


async def split(
    session: AsyncSession,
    transcript: Transcript,
    label: str,
    positions: Sequence[int],
    *,
    speaker_id: int | None,
    account_id: int,
) -> tuple[Edited, str]:
    """Give some segments of a label to a new label, named if ``speaker_id`` is given; also returns the new label.

    Raises:
        SegmentNotFound: A segment does not exist.
        FieldInvalid: A segment belongs to another label.
    """
    rows = await segments_named(session, transcript, positions)
    others = [row.position for row in rows if row.speaker != label]
    if others:
        raise FieldInvalid(f"segments: segment {others[0]} is not spoken by {label[:40]!r}.")
    known = await appearances.namings_of(session, transcript.id)
    new = next_label([*known, *await corrections.count_of_labels(session, transcript.id)])
    labels = {} if speaker_id is None else {new: Naming(speaker_id=speaker_id, how="by_hand")}
    changes = await asyncio.to_thread(_moved, rows, new)
    return await write(session, transcript, changes, labels=labels, account_id=account_id), new


def _moved(rows: Sequence[Segment], label: str) -> list[Change]:
    return changes_of(rows, lambda _, before: reassigned(before, label))


def is_numbered(label: str) -> bool:
    """Return whether a label is one of an engine or a split, and not a name that a person wrote."""
    return _NUMBERED.fullmatch(label) is not None


def next_label(labels: Iterable[str]) -> str:
    """Return a label that was never used, so that no voice or name of an old label becomes the new one's."""
    numbers = [int(found[1]) for found in map(_NUMBERED.fullmatch, labels) if found]
    return speaker_label(max(numbers, default=-1) + 1)
