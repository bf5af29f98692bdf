"""Stores and deletes voiceprints, reads them for a comparison, and notes whose voice a label's is taken for.

Vectors are written and read as arrays, which the column accepts with and without pgvector.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import ARRAY, REAL, Select, cast, delete, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.catalog.libraries import Dataset
from echoic.db.items.items import Item
from echoic.db.speakers.speakers import ItemSpeaker, Speaker, StoredVoiceprint, VoiceSuggestion, unlearn
from echoic.db.transcripts.edits import LabelState, TranscriptEdit
from echoic.db.transcripts.transcripts import Segment, Transcript
from echoic.records import Voiceprint

_REAL_ARRAY: ARRAY[float] = ARRAY(REAL)
_AS_ARRAY = cast(StoredVoiceprint.vector, _REAL_ARRAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """The voices in one transcript that one engine made, and who they are taken for."""

    transcript_id: int
    engine: str
    voices: dict[str, Voiceprint] = field(default_factory=dict)
    """Of the labels that no person has named."""
    present: dict[str, int | None] = field(default_factory=dict)
    """Who those labels are taken for now."""


async def keep_voices(
    session: AsyncSession, *, item_id: int, transcript_id: int, voices: Mapping[str, Voiceprint], engine: str
) -> None:
    """Store the voices of a transcript's labels."""
    for label, voiceprint in voices.items():
        label_id = await label_row(session, item_id=item_id, transcript_id=transcript_id, label=label)
        await session.execute(delete(StoredVoiceprint).where(StoredVoiceprint.item_speaker_id == label_id))
        await _insert(session, voiceprint, engine, item_speaker_id=label_id)


async def keep_clip(session: AsyncSession, *, speaker_id: int, voiceprint: Voiceprint, engine: str) -> None:
    """Store a person's voice that was heard in a clip."""
    await _insert(session, voiceprint, engine, speaker_id=speaker_id)


async def label_row(session: AsyncSession, *, item_id: int, transcript_id: int, label: str) -> int:
    """Return the id of a label's row, made where there is none."""
    found = insert(ItemSpeaker).values(item_id=item_id, transcript_id=transcript_id, label=label)
    kept = found.on_conflict_do_update(index_elements=["transcript_id", "label"], set_={"label": label})
    row_id: int = (await session.execute(kept.returning(ItemSpeaker.id))).scalar_one()
    return row_id


async def learned_voices(session: AsyncSession, library_id: int) -> dict[str, dict[int, list[Voiceprint]]]:
    """Return what a library's people are recognized by: for each engine and person the samples."""
    columns = (StoredVoiceprint.engine, Speaker.id, _AS_ARRAY, StoredVoiceprint.seconds)
    of_library = Speaker.library_id == library_id
    # Two statements in one: each finds its rows by an index, which an OR in a join would not.
    clips = select(*columns).join(Speaker, Speaker.id == StoredVoiceprint.speaker_id).where(of_library)
    items = (
        select(*columns)
        .join(ItemSpeaker, ItemSpeaker.id == StoredVoiceprint.item_speaker_id)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(of_library, ItemSpeaker.how == "enrolled")
    )
    rows = await session.execute(clips.union_all(items))
    learned: dict[str, dict[int, list[Voiceprint]]] = defaultdict(lambda: defaultdict(list))
    for engine, speaker_id, vector, seconds in rows:
        learned[engine][speaker_id].append(Voiceprint(vector=np.array(vector, dtype=np.float32), seconds=seconds))
    return learned


async def transcripts_with_voices(
    session: AsyncSession, library_id: int, *, after_transcript_id: int, limit: int
) -> list[int]:
    """Return the next transcripts of a library in which voices were heard, by their ids."""
    return list(
        await session.scalars(
            select(ItemSpeaker.transcript_id)
            .join(StoredVoiceprint, StoredVoiceprint.item_speaker_id == ItemSpeaker.id)
            .join(Item, Item.id == ItemSpeaker.item_id)
            .join(Dataset, Dataset.id == Item.dataset_id)
            .where(Dataset.library_id == library_id, ItemSpeaker.transcript_id > after_transcript_id)
            .group_by(ItemSpeaker.transcript_id)
            .order_by(ItemSpeaker.transcript_id)
            .limit(limit)
        )
    )


async def heard_voices(session: AsyncSession, transcript_ids: list[int]) -> list[Heard]:
    """The voices in these transcripts that no person has named, by transcript and engine; of labels somebody speaks under."""
    spoken = exists().where(Segment.transcript_id == ItemSpeaker.transcript_id, Segment.speaker == ItemSpeaker.label)
    rows = await session.execute(
        select(
            ItemSpeaker.transcript_id,
            StoredVoiceprint.engine,
            ItemSpeaker.label,
            _AS_ARRAY,
            StoredVoiceprint.seconds,
            ItemSpeaker.speaker_id,
        )
        .join(StoredVoiceprint, StoredVoiceprint.item_speaker_id == ItemSpeaker.id)
        .where(
            ItemSpeaker.transcript_id.in_(transcript_ids),
            or_(ItemSpeaker.how.is_(None), ItemSpeaker.how == "matched"),
            spoken,
        )
        .order_by(ItemSpeaker.transcript_id, ItemSpeaker.label)
    )
    heard: dict[tuple[int, str], Heard] = {}
    for transcript_id, engine, label, vector, seconds, speaker_id in rows:
        one = heard.setdefault((transcript_id, engine), Heard(transcript_id=transcript_id, engine=engine))
        one.voices[label] = Voiceprint(vector=np.array(vector, dtype=np.float32), seconds=seconds)
        one.present[label] = speaker_id
    return list(heard.values())


async def people_named_by_hand(session: AsyncSession, transcript_id: int) -> set[int]:
    """Return who speaks in a transcript under a label that a person named."""
    return set(
        await session.scalars(
            select(ItemSpeaker.speaker_id).where(
                ItemSpeaker.transcript_id == transcript_id,
                ItemSpeaker.how.in_(("enrolled", "by_hand")),
                ItemSpeaker.speaker_id.is_not(None),
            )
        )
    )


async def set_matched(
    session: AsyncSession, *, transcript_id: int, label: str, speaker_id: int | None, confidence: float | None
) -> None:
    """Note whose voice a label's is taken for, or that it is nobody's; what a person said is not touched."""
    await session.execute(
        update(ItemSpeaker)
        .where(
            ItemSpeaker.transcript_id == transcript_id,
            ItemSpeaker.label == label,
            or_(ItemSpeaker.how.is_(None), ItemSpeaker.how == "matched"),
        )
        .values(speaker_id=speaker_id, how=None if speaker_id is None else "matched", confidence=confidence)
    )


async def suggest(session: AsyncSession, *, transcript_id: int, label: str, speaker_id: int, confidence: float) -> None:
    """Note whose voice a label's may be, where no suggestion is noted yet."""
    row_id = await session.scalar(
        select(ItemSpeaker.id).where(ItemSpeaker.transcript_id == transcript_id, ItemSpeaker.label == label)
    )
    suggested = {"item_speaker_id": row_id, "speaker_id": speaker_id, "confidence": confidence}
    await session.execute(insert(VoiceSuggestion).values(suggested))


async def forget_suggestions(session: AsyncSession, transcript_ids: list[int]) -> None:
    """Delete what voices suggest in these transcripts."""
    labels = select(ItemSpeaker.id).where(ItemSpeaker.transcript_id.in_(transcript_ids))
    await session.execute(delete(VoiceSuggestion).where(VoiceSuggestion.item_speaker_id.in_(labels)))


async def forget_voices_of_dataset(session: AsyncSession, dataset_id: int) -> None:
    """Delete all voiceprints of a dataset's items, and the names that came from them; what people said stays."""
    await _forget_voices(session, select(Item.id).where(Item.dataset_id == dataset_id))


async def forget_voices_of_item(session: AsyncSession, item_id: int) -> None:
    """Delete the voiceprints of one item likewise."""
    await _forget_voices(session, select(Item.id).where(Item.id == item_id))


async def _forget_voices(session: AsyncSession, of_items: Select[int]) -> None:
    labels = select(ItemSpeaker.id).where(ItemSpeaker.item_id.in_(of_items))
    for table in (StoredVoiceprint, VoiceSuggestion):
        await session.execute(delete(table).where(table.item_speaker_id.in_(labels)))
    edits = (
        select(TranscriptEdit.id)
        .join(Transcript, Transcript.id == TranscriptEdit.transcript_id)
        .where(Transcript.item_id.in_(of_items))
    )
    await unlearn(session, ItemSpeaker.item_id.in_(of_items), LabelState.edit_id.in_(edits))


async def _insert(
    session: AsyncSession,
    voiceprint: Voiceprint,
    engine: str,
    *,
    item_speaker_id: int | None = None,
    speaker_id: int | None = None,
) -> None:
    await session.execute(
        text(
            "INSERT INTO voiceprints (item_speaker_id, speaker_id, engine, seconds, vector) "
            "VALUES (:item_speaker_id, :speaker_id, :engine, :seconds, CAST(:vector AS real[]))"
        ),
        {
            "item_speaker_id": item_speaker_id,
            "speaker_id": speaker_id,
            "engine": engine,
            "seconds": voiceprint.seconds,
            "vector": voiceprint.vector.tolist(),
        },
    )
