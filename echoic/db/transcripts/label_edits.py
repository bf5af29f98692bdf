"""Versions of who speaks under a transcript's labels: written, read again, listed.

Only what people said is a version. Where nobody said anything since, a label is named as its voice is recognized now.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.speakers.appearances import set_naming
from echoic.db.speakers.speakers import Naming, Speaker, names_of
from echoic.db.transcripts.edits import LabelState, TranscriptEdit
from echoic.db.transcripts.transcripts import Transcript, transcripts_of


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelChange:
    """The person under a label, and the one who is to be."""

    label: str
    before: Naming
    after: Naming


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLabelChange:
    """The change that a version made under one label, with the names that those people have now."""

    label: str
    speaker_id_before: int | None
    name_before: str | None
    how_before: str | None
    speaker_id_after: int | None
    name_after: str | None
    how_after: str | None


async def write_labels(
    session: AsyncSession, transcript: Transcript, changes: Sequence[LabelChange], *, edit_id: int
) -> None:
    """Make the changes, as part of an edit; the caller holds the locks on the item and on the library's voices."""
    rows = [
        {
            "edit_id": edit_id,
            "label": change.label,
            "after": after,
            "speaker_id": naming.speaker_id,
            "how": naming.how,
            "confidence": naming.confidence,
        }
        for change in changes
        for after, naming in ((False, change.before), (True, change.after))
    ]
    if rows:
        await session.execute(insert(LabelState), rows)
    for change in changes:
        await set_naming(
            session,
            item_id=transcript.item_id,
            transcript_id=transcript.id,
            label=change.label,
            naming=change.after,
        )


async def namings_before(session: AsyncSession, transcript_id: int, version: int) -> dict[str, Naming]:
    """Return who spoke in a version under those labels that were named otherwise after it."""
    rows = await session.execute(
        select(LabelState.label, LabelState.speaker_id, LabelState.how, LabelState.confidence)
        .join(TranscriptEdit, TranscriptEdit.id == LabelState.edit_id)
        .where(TranscriptEdit.transcript_id == transcript_id, TranscriptEdit.version > version, ~LabelState.after)
        .ext(distinct_on(LabelState.label))
        .order_by(LabelState.label, TranscriptEdit.version)
    )
    return {row.label: Naming(speaker_id=row.speaker_id, how=row.how, confidence=row.confidence) for row in rows}


async def names_in_version(session: AsyncSession, transcript_id: int, version: int) -> dict[str, str]:
    """Return the names of a transcript's labels in a version, for those that had one."""
    names = await names_of(session, transcript_id)
    before = await namings_before(session, transcript_id, version)
    people = {naming.speaker_id for naming in before.values()}
    rows = await session.execute(select(Speaker.id, Speaker.name).where(Speaker.id.in_(people - {None})))
    known = {row[0]: row[1] for row in rows}
    for label, naming in before.items():
        names.pop(label, None)
        if naming.speaker_id in known:
            names[label] = known[naming.speaker_id]
    return names


async def list_label_changes(
    session: AsyncSession, item_id: int, numbers: Collection[int]
) -> dict[int, list[ShownLabelChange]]:
    """For each of these versions what it changed, by label."""
    before, after = aliased(LabelState), aliased(LabelState)
    who_before, who_after = aliased(Speaker), aliased(Speaker)
    rows = await session.execute(
        select(
            TranscriptEdit.version,
            before.label,
            before.speaker_id.label("speaker_id_before"),
            who_before.name.label("name_before"),
            before.how.label("how_before"),
            after.speaker_id.label("speaker_id_after"),
            who_after.name.label("name_after"),
            after.how.label("how_after"),
        )
        .select_from(TranscriptEdit)
        .join(before, (before.edit_id == TranscriptEdit.id) & ~before.after)
        .join(after, (after.edit_id == TranscriptEdit.id) & (after.label == before.label) & after.after)
        .outerjoin(who_before, who_before.id == before.speaker_id)
        .outerjoin(who_after, who_after.id == after.speaker_id)
        .where(TranscriptEdit.transcript_id.in_(transcripts_of(item_id)), TranscriptEdit.version.in_(list(numbers)))
        .order_by(TranscriptEdit.version, before.label)
    )
    found: dict[int, list[ShownLabelChange]] = {number: [] for number in numbers}
    for row in rows.mappings():
        fields = {name: row[name] for name in ShownLabelChange.__dataclass_fields__}
        found[row["version"]].append(ShownLabelChange(**fields))
    return found
