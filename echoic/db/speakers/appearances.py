"""Speakers of items: an item's labels with their names, and a person's appearances in items."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker, Naming, Speaker, StoredVoiceprint, VoiceSuggestion
from echoic.db.speakers.speaking import SPOKEN_SECONDS, VoiceSample, longest_segment
from echoic.db.speakers.voiceprints import label_row
from echoic.db.transcripts.transcripts import Segment, Transcript

SAID = ("enrolled", "by_hand")
"""Sources of a label that say a person named it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelView:
    """A label of an item's transcript and what is known of it."""

    label: str
    start: float
    """When it is first heard."""
    seconds: float
    """How long its segments are together."""
    segments: int
    speaker_id: int | None
    name: str | None
    how: str | None
    confidence: float | None
    has_voiceprint: bool
    alike_name: str | None
    """Whose voice it may be, where nobody said or found who it is."""
    alike_confidence: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Appearance:
    """A label of an item under which a person speaks."""

    item_id: int
    title: str
    label: str
    how: str
    confidence: float | None
    seconds: float
    start: float | None
    """When the label is first heard; None where no segment has it."""
    sample: VoiceSample | None
    redaction: Mapping[str, Any] | None
    """The policy of the item's dataset."""


async def list_labels(session: AsyncSession, transcript_id: int) -> list[LabelView]:
    """Return a transcript's speakers in order of appearance."""
    start = func.min(Segment.start)
    spoken = (
        select(
            Segment.speaker.label("label"),
            start.label("start"),
            SPOKEN_SECONDS.label("seconds"),
            func.count().label("segments"),
        )
        .where(Segment.transcript_id == transcript_id, Segment.speaker.is_not(None))
        .group_by(Segment.speaker)
        .subquery()
    )
    alike = aliased(Speaker)
    rows = await session.execute(
        select(
            spoken,
            Speaker.id.label("speaker_id"),
            Speaker.name,
            ItemSpeaker.how,
            ItemSpeaker.confidence,
            StoredVoiceprint.id.is_not(None).label("has_voiceprint"),
            alike.name.label("alike_name"),
            VoiceSuggestion.confidence.label("alike_confidence"),
        )
        .select_from(spoken)
        .outerjoin(ItemSpeaker, (ItemSpeaker.transcript_id == transcript_id) & (ItemSpeaker.label == spoken.c.label))
        .outerjoin(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .outerjoin(StoredVoiceprint, StoredVoiceprint.item_speaker_id == ItemSpeaker.id)
        .outerjoin(VoiceSuggestion, (VoiceSuggestion.item_speaker_id == ItemSpeaker.id) & ItemSpeaker.how.is_(None))
        .outerjoin(alike, alike.id == VoiceSuggestion.speaker_id)
        .order_by(spoken.c.start, spoken.c.label)
    )
    return [LabelView(**row) for row in rows.mappings()]


async def namings_of(session: AsyncSession, transcript_id: int) -> dict[str, Naming]:
    """Return who speaks under a transcript's labels, for those that something is known of."""
    rows = await session.execute(
        select(ItemSpeaker.label, ItemSpeaker.speaker_id, ItemSpeaker.how, ItemSpeaker.confidence).where(
            ItemSpeaker.transcript_id == transcript_id
        )
    )
    return {row.label: Naming(speaker_id=row.speaker_id, how=row.how, confidence=row.confidence) for row in rows}


async def said_naming(
    session: AsyncSession, transcript_id: int, label: str, *, speaker_id: int | None, learn: bool
) -> Naming:
    """Return what a person says of a label; with ``learn`` its voice, where it is known, is one they are recognized by."""
    known = await session.scalar(
        select(StoredVoiceprint.id)
        .join(ItemSpeaker, ItemSpeaker.id == StoredVoiceprint.item_speaker_id)
        .where(ItemSpeaker.transcript_id == transcript_id, ItemSpeaker.label == label)
    )
    enrolled = learn and speaker_id is not None and known is not None
    return Naming(speaker_id=speaker_id, how="enrolled" if enrolled else "by_hand")


async def set_naming(session: AsyncSession, *, item_id: int, transcript_id: int, label: str, naming: Naming) -> None:
    """Note who speaks under a label and how that is known."""
    row_id = await label_row(session, item_id=item_id, transcript_id=transcript_id, label=label)
    await session.execute(
        update(ItemSpeaker)
        .where(ItemSpeaker.id == row_id)
        .values(speaker_id=naming.speaker_id, how=naming.how, confidence=naming.confidence)
    )


async def name_label(
    session: AsyncSession, *, item_id: int, transcript_id: int, label: str, speaker_id: int | None, learn: bool
) -> None:
    """Note what a person says of a label, without making a version of it."""
    naming = await said_naming(session, transcript_id, label, speaker_id=speaker_id, learn=learn)
    await set_naming(session, item_id=item_id, transcript_id=transcript_id, label=label, naming=naming)


async def list_appearances(
    session: AsyncSession, speaker_id: int, *, published_only: bool, limit: int, offset: int
) -> tuple[list[Appearance], int]:
    """Return where a person speaks, in all items or in published ones, the newest first; and in how many places."""
    of_label = (Segment.transcript_id == ItemSpeaker.transcript_id, Segment.speaker == ItemSpeaker.label)
    seconds = select(func.coalesce(SPOKEN_SECONDS, 0.0)).where(*of_label).correlate(ItemSpeaker).scalar_subquery()
    start = select(func.min(Segment.start)).where(*of_label).correlate(ItemSpeaker).scalar_subquery()
    sample = longest_segment(ItemSpeaker.transcript_id, ItemSpeaker.label)
    places = select(ItemSpeaker).join(Item, Item.transcript_id == ItemSpeaker.transcript_id)
    places = places.where(ItemSpeaker.speaker_id == speaker_id)
    if published_only:
        places = places.where(Item.status == "published")
    total = await session.scalar(select(func.count()).select_from(places.subquery()))
    rows = await session.execute(
        places.with_only_columns(
            ItemSpeaker.item_id,
            Item.title,
            Dataset.redaction,
            ItemSpeaker.label,
            ItemSpeaker.how,
            ItemSpeaker.confidence,
            seconds.label("seconds"),
            start.label("start"),
            sample.c.start.label("sample_start"),
            sample.c.end.label("sample_end"),
        )
        .join(Dataset, Dataset.id == Item.dataset_id)
        .outerjoin(sample, true())
        .order_by(ItemSpeaker.item_id.desc(), ItemSpeaker.label)
        .limit(limit)
        .offset(offset)
    )
    return [
        Appearance(
            item_id=row.item_id,
            title=row.title,
            redaction=row.redaction,
            label=row.label,
            how=row.how,
            confidence=row.confidence,
            seconds=row.seconds,
            start=row.start,
            sample=None
            if row.sample_start is None
            else VoiceSample(item_id=row.item_id, start=row.sample_start, end=row.sample_end),
        )
        for row in rows
    ], total or 0


async def appearances_of(
    session: AsyncSession, speaker_id: int, wanted: Iterable[tuple[int, str]]
) -> list[tuple[Transcript, list[str]]]:
    """Of these items and labels those under which a person speaks: the items' present transcripts, and the labels."""
    rows = await session.execute(
        select(Transcript, ItemSpeaker.label)
        .join(ItemSpeaker, ItemSpeaker.transcript_id == Transcript.id)
        .join(Item, Item.transcript_id == Transcript.id)
        .where(
            ItemSpeaker.speaker_id == speaker_id,
            tuple_(ItemSpeaker.item_id, ItemSpeaker.label).in_(list(wanted)),
        )
        .order_by(Transcript.id, ItemSpeaker.label)
        .execution_options(populate_existing=True)
    )
    found: dict[int, tuple[Transcript, list[str]]] = {}
    for transcript, label in rows:
        found.setdefault(transcript.id, (transcript, []))[1].append(label)
    return list(found.values())


async def move_voices(
    session: AsyncSession, *, item_id: int, before: int, after: int, pairs: Mapping[str, str]
) -> None:
    """Give the voices of one transcript's labels to those labels of another that have none.

    ``pairs`` has for each label of the other the one of the same person; only what people said of is moved.
    """
    old = await _rows_of(session, before)
    for label, old_label in pairs.items():
        row = old.get(old_label)
        if row is None or row.how not in SAID:
            continue
        row_id = await label_row(session, item_id=item_id, transcript_id=after, label=label)
        if await session.scalar(select(StoredVoiceprint.id).where(StoredVoiceprint.item_speaker_id == row_id)) is None:
            of_old = update(StoredVoiceprint).where(StoredVoiceprint.item_speaker_id == row.id)
            await session.execute(of_old.values(item_speaker_id=row_id))


async def copy_names(session: AsyncSession, *, item_id: int, before: int, after: int, pairs: Mapping[str, str]) -> None:
    """Name the labels of a transcript as people named those of another; ``pairs`` as for ``move_voices``."""
    old = await _rows_of(session, before)
    for label, old_label in pairs.items():
        said = old.get(old_label)
        if said is not None and said.how in SAID:
            await name_label(
                session,
                item_id=item_id,
                transcript_id=after,
                label=label,
                speaker_id=said.speaker_id,
                learn=said.how == "enrolled",
            )


async def learn_again(session: AsyncSession, *, before: int, after: int, pairs: Mapping[str, str]) -> None:
    """Learn a person's voice from a label again that has it back; ``pairs`` as for ``move_voices``."""
    old, new = await _rows_of(session, before), await _rows_of(session, after)
    for label, old_label in pairs.items():
        row, former = new.get(label), old.get(old_label)
        if row is None or former is None or row.speaker_id is None:
            continue
        if (row.how, former.how, former.speaker_id) == ("by_hand", "enrolled", row.speaker_id):
            naming = await said_naming(session, after, label, speaker_id=row.speaker_id, learn=True)
            row.how = naming.how
    await session.flush()


async def forget_voices(session: AsyncSession, transcript_id: int) -> None:
    """Delete the voices of a transcript that is not the present one any more; who speaks under its labels stays known."""
    labels = select(ItemSpeaker.id).where(ItemSpeaker.transcript_id == transcript_id)
    for table in (StoredVoiceprint, VoiceSuggestion):
        await session.execute(delete(table).where(table.item_speaker_id.in_(labels)))
    enrolled = (ItemSpeaker.transcript_id == transcript_id, ItemSpeaker.how == "enrolled")
    await session.execute(update(ItemSpeaker).where(*enrolled).values(how="by_hand"))


async def _rows_of(session: AsyncSession, transcript_id: int) -> dict[str, ItemSpeaker]:
    rows = await session.scalars(
        select(ItemSpeaker).where(ItemSpeaker.transcript_id == transcript_id).execution_options(populate_existing=True)
    )
    return {row.label: row for row in rows}
