"""Writes a version of a transcript: segments, names of labels, search entries, entities, all in the caller's transaction.

Callers hold the lock on the item, so that changes of one transcript come one after the other.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.corrections.mentions import still_named
from echoic.db.items import items
from echoic.db.outbox import events
from echoic.db.search import index_write, stale_embeddings
from echoic.db.speakers import appearances, speakers
from echoic.db.speakers.speakers import UNKNOWN, Naming
from echoic.db.transcripts import corrections, entities
from echoic.db.transcripts.corrections import Change
from echoic.db.transcripts.edits import EditKind
from echoic.db.transcripts.label_edits import LabelChange
from echoic.db.transcripts.transcripts import Segment, Transcript, as_record
from echoic.errors import ItemNotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """The outcome of a change. A change without effect makes no version."""

    version: int
    """The present version of the transcript."""
    positions: tuple[int, ...]
    """The places of the changed segments."""
    labels: tuple[str, ...]
    """The labels with another speaker, or with a speaker who is known in another way."""


async def hold_voices(session: AsyncSession, item_id: int) -> None:
    """Lock the voices of an item's library, as every change of speakers requires. The caller holds the lock on the item."""
    dataset = await items.dataset_of_item(session, item_id)
    if dataset is None:
        raise ItemNotFound
    await speakers.lock_voices(session, dataset.library_id)


async def write(
    session: AsyncSession,
    transcript: Transcript,
    changes: Sequence[Change],
    *,
    account_id: int | None,
    labels: Mapping[str, Naming] | None = None,
    kind: EditKind = "correction",
    restores: int | None = None,
    always: bool = False,
) -> Edited:
    """Write the changes of segments and of the names of labels as one version; changes without effect are dropped.

    A caller that gives ``labels`` holds the lock on the library's voices. With ``always``, a version is made even if
    nothing changes.
    """
    changes = [change for change in changes if change.after != change.before]
    named = await _named(session, transcript, changes, labels or {})
    if changes or named or always:
        await corrections.write_version(
            session, transcript, changes, labels=named, account_id=account_id, kind=kind, restores=restores
        )
    if changes:
        changed = {change.row.position for change in changes}
        await index_write.index_transcript(session, transcript_id=transcript.id, changed=changed)
        rewritten = [change.row for change in changes if change.after.text != change.before.text]
        await stale_embeddings.make_stale(session, [row.id for row in rewritten])
        await _forget_names(session, transcript, rewritten)
    positions = tuple(change.row.position for change in changes)
    edited = Edited(version=transcript.version, positions=positions, labels=tuple(change.label for change in named))
    if kind == "correction" and (changes or named or always):
        await events.tell_edit(
            session, transcript.item_id, version=edited.version, places=positions, labels=edited.labels
        )
    return edited


async def _named(
    session: AsyncSession, transcript: Transcript, changes: Sequence[Change], wanted: Mapping[str, Naming]
) -> list[LabelChange]:
    """Return the labels whose naming changes: the wanted ones, and those without a segment left, which lose their names."""
    left = await _left(session, transcript, changes)
    if left:
        await hold_voices(session, transcript.item_id)
    after = {**wanted, **{label: UNKNOWN for label in left if label not in wanted}}
    if not after:
        return []
    known = await appearances.namings_of(session, transcript.id)
    named = (
        LabelChange(label=label, before=known.get(label, UNKNOWN), after=naming) for label, naming in after.items()
    )
    return [change for change in named if change.after != change.before]


async def _left(session: AsyncSession, transcript: Transcript, changes: Sequence[Change]) -> list[str]:
    """Return the labels that have no segment left after the changes."""
    moved = [change for change in changes if change.after.speaker != change.before.speaker]
    taken = Counter(change.before.speaker for change in moved if change.before.speaker is not None)
    for change in moved:
        taken.pop(change.after.speaker or "", None)
    if not taken:
        return []
    counts = await corrections.count_of_labels(session, transcript.id)
    return sorted(label for label, count in taken.items() if counts.get(label, 0) == count)


async def _forget_names(session: AsyncSession, transcript: Transcript, rewritten: Collection[Segment]) -> None:
    """Remove mentions of names that the rewritten segments no longer say, also mentions that begin in the segment before."""
    places = {row.position for row in rewritten}
    near = {place + step for place in places for step in (-1, 0, 1)}
    rows = {row.position: row for row in await corrections.segments_at(session, transcript.id, near)}
    by_id = {row.id: row for row in rows.values() if row.position in places or row.position + 1 in places}
    gone = []
    for mention in await entities.mentions_in(session, by_id.keys()):
        row = by_id[mention.segment_id]
        reaches_on = mention.end > row.end
        if row.position not in places and not reaches_on:
            continue
        said_in = [row, *([rows[row.position + 1]] if reaches_on and row.position + 1 in rows else [])]
        segments = [as_record(segment) for segment in said_in]
        if not still_named(mention.text, start=mention.start, end=mention.end, segments=segments):
            gone.append(mention)
    if gone:
        await entities.remove_mentions(session, gone)
