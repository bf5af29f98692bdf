"""Transcripts and their segments with words."""

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic import records
from echoic.db.base import Base, CreatedAt, PrimaryKey
from echoic.db.items import Item


class Transcript(Base):
    """What one run of the pipeline heard in an item, and which engine heard it."""

    __tablename__ = "transcripts"

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pipeline_queue.id", ondelete="SET NULL"), unique=True)
    language: Mapped[str | None]
    language_probability: Mapped[float | None]
    engine_name: Mapped[str]
    engine_model: Mapped[str]
    engine_version: Mapped[str]
    created_at: Mapped[CreatedAt]


class Segment(Base):
    """A stretch of transcript text. ``words`` are objects with text, start, end, score, speaker."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("transcript_id", "position"),)

    id: Mapped[PrimaryKey]
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    position: Mapped[int]
    start: Mapped[float] = mapped_column("start_seconds")
    end: Mapped[float] = mapped_column("end_seconds")
    text: Mapped[str]
    speaker: Mapped[str | None]
    confidence: Mapped[float | None]
    no_speech_probability: Mapped[float | None]
    compression_ratio: Mapped[float | None]
    words: Mapped[list[dict[str, Any]]]


async def create_transcript(
    session: AsyncSession,
    *,
    item_id: int,
    run_id: int,
    transcription: records.Transcription,
    engine: records.EngineId,
) -> Transcript:
    """Store a transcript with its segments; the item's first one becomes readable at once."""
    transcript = Transcript(
        item_id=item_id,
        run_id=run_id,
        language=transcription.language,
        language_probability=transcription.language_probability,
        engine_name=engine.name,
        engine_model=engine.model,
        engine_version=engine.version,
    )
    session.add(transcript)
    await session.flush()
    rows = [_segment_row(transcript.id, position, segment) for position, segment in enumerate(transcription.segments)]
    if rows:
        await session.execute(insert(Segment), rows)
    return transcript


def _segment_row(transcript_id: int, position: int, segment: records.Segment) -> dict[str, Any]:
    return {
        "transcript_id": transcript_id,
        "position": position,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "speaker": segment.speaker,
        "confidence": segment.confidence,
        "no_speech_probability": segment.no_speech_probability,
        "compression_ratio": segment.compression_ratio,
        "words": [
            {"text": w.text, "start": w.start, "end": w.end, "score": w.score, "speaker": w.speaker}
            for w in segment.words
        ],
    }


async def list_segments(session: AsyncSession, transcript_id: int) -> list[Segment]:
    """All segments of a transcript in order."""
    return list(
        await session.scalars(select(Segment).where(Segment.transcript_id == transcript_id).order_by(Segment.position))
    )


async def transcript_of_run(session: AsyncSession, run_id: int) -> Transcript | None:
    """The transcript that a run stored, if it got so far."""
    return await session.scalar(select(Transcript).where(Transcript.run_id == run_id))


async def load_transcript(session: AsyncSession, item: Item) -> records.Transcript | None:
    """An item's present transcript as a record, ready for the formats; None where there is none."""
    if item.transcript_id is None:
        return None
    transcript = await session.get_one(Transcript, item.transcript_id)
    segments = tuple(map(as_record, await list_segments(session, transcript.id)))
    return records.Transcript(
        item_id=item.id,
        title=item.title,
        language=transcript.language,
        duration_seconds=item.duration_seconds,
        segments=segments,
        speakers=tuple(dict.fromkeys(s.speaker for s in segments if s.speaker is not None)),
        engine=records.EngineId(
            name=transcript.engine_name, model=transcript.engine_model, version=transcript.engine_version
        ),
    )


def as_record(segment: Segment) -> records.Segment:
    """A stored segment as a record."""
    return records.Segment(
        start=segment.start,
        end=segment.end,
        text=segment.text,
        speaker=segment.speaker,
        confidence=segment.confidence,
        no_speech_probability=segment.no_speech_probability,
        compression_ratio=segment.compression_ratio,
        words=tuple(records.Word(**word) for word in segment.words),
    )
