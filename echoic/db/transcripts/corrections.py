"""Versions of an item's transcripts: what people changed in them, by whom and when, and what they said before.

``segments`` hold what a transcript says now; a row of ``segment_edits`` for each changed segment says what it said before
and after. Version 0 is what the engines made at first; where the item was transcribed again, a later version is what they
made then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from echoic import records
from echoic.db.accounts.accounts import Account
from echoic.db.base import among
from echoic.db.items.items import Item
from echoic.db.transcripts import label_edits
from echoic.db.transcripts.edits import EditKind, SegmentEdit, TranscriptEdit
from echoic.db.transcripts.label_edits import LabelChange
from echoic.db.transcripts.transcripts import (
    EVERYTHING,
    Segment,
    SelectedTranscript,
    Selection,
    Transcript,
    load,
    transcript_of,
    transcripts_of,
    word_objects,
)
from echoic.errors import VersionNotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The text of a segment of a transcript, and its new text."""

    row: Segment
    before: records.Segment
    after: records.Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """An entry in the history of a transcript."""

    number: int
    account_id: int | None
    account_name: str | None
    created_at: datetime
    kind: EditKind
    restores: int | None
    segments: int
    """How many segments it changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentChange:
    """The change that a version made in one segment."""

    position: int
    text_before: str
    text_after: str
    speaker_before: str | None
    speaker_after: str | None


async def segments_at(session: AsyncSession, transcript_id: int, positions: Collection[int]) -> list[Segment]:
    """Return those segments of a transcript that are at these places, in order."""
    wanted = select(Segment).where(Segment.transcript_id == transcript_id, among(Segment.position, positions))
    return list(await session.scalars(wanted.order_by(Segment.position)))


async def texts_of(session: AsyncSession, transcript_id: int) -> dict[int, str]:
    """Return the text at each place of a transcript, in order."""
    wanted = select(Segment.position, Segment.text).where(Segment.transcript_id == transcript_id)
    return {row.position: row.text for row in await session.execute(wanted.order_by(Segment.position))}


async def positions_of(session: AsyncSession, transcript_id: int, label: str) -> list[int]:
    """Return where in a transcript somebody speaks, in order."""
    wanted = select(Segment.position).where(Segment.transcript_id == transcript_id, Segment.speaker == label)
    return list(await session.scalars(wanted.order_by(Segment.position)))


async def count_of_labels(session: AsyncSession, transcript_id: int) -> dict[str, int]:
    """Return how many segments each label of a transcript has."""
    rows = await session.execute(
        select(Segment.speaker, func.count())
        .where(Segment.transcript_id == transcript_id, Segment.speaker.is_not(None))
        .group_by(Segment.speaker)
    )
    return {label: count for label, count in rows if label is not None}


async def write_version(
    session: AsyncSession,
    transcript: Transcript,
    changes: Sequence[Change],
    *,
    labels: Sequence[LabelChange],
    account_id: int | None,
    kind: EditKind = "correction",
    restores: int | None = None,
) -> None:
    """Make the transcript's next version; who calls it holds the lock on the item, so that no two make the same one.

    With ``labels`` the library's voices are locked as well.
    """
    transcript.version += 1
    edit = TranscriptEdit(
        transcript_id=transcript.id, version=transcript.version, account_id=account_id, kind=kind, restores=restores
    )
    session.add(edit)
    for change in changes:
        for name, value in _state(change.after).items():
            setattr(change.row, name, value)
    await session.flush()
    segments = [
        {
            "edit_id": edit.id,
            "position": change.row.position,
            "before": _state(change.before),
            "after": _state(change.after),
        }
        for change in changes
    ]
    if segments:
        await session.execute(insert(SegmentEdit), segments)
    await label_edits.write_labels(session, transcript, labels, edit_id=edit.id)


def _state(segment: records.Segment) -> dict[str, Any]:
    return {
        "text": segment.text,
        "speaker": segment.speaker,
        "confidence": segment.confidence,
        "quality": segment.quality,
        "words": word_objects(segment.words),
    }


async def states_before(session: AsyncSession, transcript_id: int, version: int) -> dict[int, dict[str, Any]]:
    """By place what those segments said in a version that were changed after it."""
    rows = await session.execute(
        select(SegmentEdit.position, SegmentEdit.before)
        .join(TranscriptEdit, TranscriptEdit.id == SegmentEdit.edit_id)
        .where(TranscriptEdit.transcript_id == transcript_id, TranscriptEdit.version > version)
        .ext(distinct_on(SegmentEdit.position))
        .order_by(SegmentEdit.position, TranscriptEdit.version)
    )
    return {row.position: row.before for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class EditedText:
    """A segment's text before it was first changed, and its text now."""

    item_id: int
    before: str
    after: str


async def edited_texts(session: AsyncSession, dataset_id: int, *, limit: int) -> list[EditedText]:
    """Return the segments of a dataset's present transcripts whose text people changed, of the newest transcripts first."""
    rows = await session.execute(
        select(Item.id, SegmentEdit.before["text"].astext, Segment.text)
        .join(TranscriptEdit, TranscriptEdit.id == SegmentEdit.edit_id)
        .join(Item, Item.transcript_id == TranscriptEdit.transcript_id)
        .join(
            Segment,
            (Segment.transcript_id == TranscriptEdit.transcript_id) & (Segment.position == SegmentEdit.position),
        )
        .where(Item.dataset_id == dataset_id, SegmentEdit.before["text"].astext != Segment.text)
        .ext(distinct_on(TranscriptEdit.transcript_id, SegmentEdit.position))
        .order_by(TranscriptEdit.transcript_id.desc(), SegmentEdit.position, TranscriptEdit.version)
        .limit(limit)
    )
    return [EditedText(item_id=row[0], before=row[1], after=row[2]) for row in rows]


async def states_of_engines(session: AsyncSession, transcript_id: int) -> dict[int, dict[str, Any]]:
    """By place what those segments said, as the engines made them, that people have changed since."""
    return await states_before(session, transcript_id, -1)


def in_state(segment: records.Segment, state: Mapping[str, Any]) -> records.Segment:
    """Return the segment with what it said at another time."""
    return replace(segment, **dict(state) | {"words": tuple(records.Word(**word) for word in state["words"])})


async def transcript_of_version(session: AsyncSession, item: Item, version: int) -> Transcript | None:
    """Return the one of an item's transcripts that a version is of; None where it has none. Raises VersionNotFound."""
    present = await transcript_of(session, item)
    if present is None or version == present.version:
        return present
    of_item = select(Transcript).where(Transcript.item_id == item.id)
    if version == 0:
        return await session.scalar(of_item.order_by(Transcript.id).limit(1))
    edited = select(TranscriptEdit.transcript_id).where(TranscriptEdit.version == version)
    # Of two that an older release numbered alike, the newer is meant.
    wanted = of_item.where(Transcript.id.in_(edited)).order_by(Transcript.id.desc()).limit(1)
    found = await session.scalar(wanted)
    if found is None:
        raise VersionNotFound
    return found


async def load_version(
    session: AsyncSession, item: Item, version: int, selection: Selection = EVERYTHING
) -> SelectedTranscript | None:
    """An item's transcript as it was in a version, otherwise as ``load_transcript`` gives it; None where there is none.

    Raises VersionNotFound.
    """
    transcript = await transcript_of_version(session, item, version)
    if transcript is None or version == transcript.version:
        return None if transcript is None else await load(session, item, transcript, selection)
    now = await load(session, item, transcript, EVERYTHING)
    states = await states_before(session, transcript.id, version)
    segments = [
        in_state(segment, states[position]) if position in states else segment
        for position, segment in enumerate(now.transcript.segments)
    ]
    names = await label_edits.names_in_version(session, transcript.id, version)
    page, total = selection.page_of(segments, names)
    speakers = dict.fromkeys(segment.speaker for segment in segments if segment.speaker is not None)
    return SelectedTranscript(
        transcript=replace(now.transcript, segments=tuple(page), speakers=tuple(speakers), names=names),
        version=version,
        total_segments=total,
    )


async def list_versions(
    session: AsyncSession, item_id: int, *, number: int | None = None, limit: int, offset: int = 0
) -> list[Version]:
    """Return the versions of an item's transcripts but the first, the newest first; or the one of a number."""
    changed = (
        select(func.count()).where(SegmentEdit.edit_id == TranscriptEdit.id).correlate(TranscriptEdit).scalar_subquery()
    )
    wanted = (
        select(TranscriptEdit, Account.name, changed)
        .outerjoin(Account, Account.id == TranscriptEdit.account_id)
        .where(TranscriptEdit.transcript_id.in_(transcripts_of(item_id)))
    )
    if number is not None:
        wanted = wanted.where(TranscriptEdit.version == number)
    in_order = (TranscriptEdit.version.desc(), TranscriptEdit.id.desc())
    rows = await session.execute(wanted.order_by(*in_order).limit(limit).offset(offset))
    return [
        Version(
            number=edit.version,
            account_id=edit.account_id,
            account_name=name,
            created_at=edit.created_at,
            kind=edit.kind,
            restores=edit.restores,
            segments=count,
        )
        for edit, name, count in rows
    ]


async def list_changes(
    session: AsyncSession, item_id: int, numbers: Collection[int], *, limit: int, offset: int = 0
) -> dict[int, list[SegmentChange]]:
    """For each of these versions one page of what it changed, in the order of the transcript."""
    place = func.row_number().over(partition_by=SegmentEdit.edit_id, order_by=SegmentEdit.position).label("place")
    numbered = (
        select(
            TranscriptEdit.version,
            SegmentEdit.position,
            *(
                column[field].astext.label(f"{field}_{name}")
                for field in ("text", "speaker")
                for name, column in (("before", SegmentEdit.before), ("after", SegmentEdit.after))
            ),
            place,
        )
        .join(TranscriptEdit, TranscriptEdit.id == SegmentEdit.edit_id)
        .where(TranscriptEdit.transcript_id.in_(transcripts_of(item_id)), TranscriptEdit.version.in_(numbers))
        .subquery()
    )
    rows = await session.execute(
        select(numbered)
        .where(numbered.c.place > offset, numbered.c.place <= offset + limit)
        .order_by(numbered.c.version, numbered.c.place)
    )
    found: dict[int, list[SegmentChange]] = {number: [] for number in numbers}
    for row in rows.mappings():
        fields = {name: row[name] for name in SegmentChange.__dataclass_fields__}
        found[row["version"]].append(SegmentChange(**fields))
    return found
