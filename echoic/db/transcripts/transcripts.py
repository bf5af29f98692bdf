"""Transcripts and their segments with words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    Text,
    UniqueConstraint,
    any_,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic import records
from echoic.db.base import Base, CreatedAt, PrimaryKey, among, set_columns
from echoic.db.items.items import Item
from echoic.db.runs.runs import PipelineRun, notices_of
from echoic.db.speakers.speakers import ItemSpeaker, Speaker, names_of
from echoic.records import Quality


class Transcript(Base):
    """The transcript that one run of the pipeline made of an item, with the engine that made it."""

    __tablename__ = "transcripts"

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pipeline_queue.id", ondelete="SET NULL"), unique=True)
    language: Mapped[str | None]
    language_probability: Mapped[float | None]
    engine_name: Mapped[str]
    engine_model: Mapped[str]
    engine_version: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("0"))
    """The newest of its versions; ``corrections`` keeps what each changed."""
    created_at: Mapped[CreatedAt]


class Segment(Base):
    """A stretch of transcript text. ``words`` are objects with text, start, end, score, speaker."""

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("transcript_id", "position"),
        CheckConstraint("quality IN ('ok', 'doubtful', 'repaired', 'corrected')", name="quality"),
        Index("ix_segments_transcript_id_speaker", "transcript_id", "speaker"),
    )

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
    quality: Mapped[Quality | None] = mapped_column(Text)
    language: Mapped[str | None]
    """Where it is another than the transcript's."""
    words: Mapped[list[dict[str, Any]]]


async def create_transcript(
    session: AsyncSession,
    *,
    item_id: int,
    run_id: int,
    transcription: records.Transcription,
    engine: records.EngineId,
) -> Transcript:
    """Store a transcript with its segments. Only ``make_present`` shows the transcript to the item's readers."""
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
    await _add_segments(session, transcript.id, transcription.segments)
    return transcript


def make_present(item: Item, transcript: Transcript) -> None:
    """Make a transcript the one that its item has; the item's language is that of its transcript."""
    item.transcript_id, item.transcript_removed_at = transcript.id, None
    item.language = None if transcript.language == records.UNKNOWN_LANGUAGE else transcript.language


async def bring_back(session: AsyncSession, item: Item, transcript: Transcript, *, version: int) -> None:
    """Make a former transcript the item's again; its versions go on from the present one."""
    make_present(item, transcript)
    await go_on_from(session, transcript, version=version)


async def go_on_from(session: AsyncSession, transcript: Transcript, *, version: int) -> None:
    """Let the next version of a transcript follow this one, which may be another transcript's."""
    await set_columns(session, transcript, {"version": version})


async def replace_segments(session: AsyncSession, transcript_id: int, segments: Sequence[records.Segment]) -> None:
    """Store other segments in place of a transcript's own; what refers to those goes with them."""
    await session.execute(delete(Segment).where(Segment.transcript_id == transcript_id))
    await _add_segments(session, transcript_id, segments)


async def _add_segments(session: AsyncSession, transcript_id: int, segments: Sequence[records.Segment]) -> None:
    rows = [_segment_row(transcript_id, position, segment) for position, segment in enumerate(segments)]
    if rows:
        await session.execute(insert(Segment), rows)


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
        "quality": segment.quality,
        "language": segment.language,
        "words": word_objects(segment.words),
    }


def word_objects(words: Sequence[records.Word]) -> list[dict[str, Any]]:
    """Return words as they are stored."""
    return [{"text": w.text, "start": w.start, "end": w.end, "score": w.score, "speaker": w.speaker} for w in words]


async def list_segments(session: AsyncSession, transcript_id: int) -> list[Segment]:
    """Return all segments of a transcript in order."""
    return list(
        await session.scalars(select(Segment).where(Segment.transcript_id == transcript_id).order_by(Segment.position))
    )


async def transcript_of(session: AsyncSession, item: Item) -> Transcript | None:
    """Return an item's present transcript, if it has one."""
    return None if item.transcript_id is None else await session.get_one(Transcript, item.transcript_id)


def transcripts_of(item_id: int) -> Select[int]:
    """For a statement: the ids of all transcripts that an item has had."""
    return select(Transcript.id).where(Transcript.item_id == item_id)


async def transcript_of_run(session: AsyncSession, run_id: int) -> Transcript | None:
    """Return the transcript that a run stored, if it got so far."""
    return await session.scalar(select(Transcript).where(Transcript.run_id == run_id))


async def run_of(session: AsyncSession, item: Item) -> PipelineRun | None:
    """The run that made an item's present transcript; None where there is no transcript, or nobody knows its run."""
    run_id = select(Transcript.run_id).where(Transcript.id == item.transcript_id).scalar_subquery()
    return await session.scalar(select(PipelineRun).where(PipelineRun.id == run_id))


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """A selection of a transcript's segments: those for which every field that is set holds."""

    speaker: str | None = None
    """Label or name."""
    start: float | None = None
    """Seconds: segments that end after it."""
    end: float | None = None
    """Seconds: segments that start before it."""
    positions: tuple[int, ...] | None = None
    """Places in the transcript."""
    offset: int = 0
    limit: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what is asked of a segment apart from its place among the others."""
        wanted = []
        if self.speaker is not None:
            wanted.append(said_by(array([self.speaker.lower()])))
        if self.start is not None:
            wanted.append(Segment.end > self.start)
        if self.end is not None:
            wanted.append(Segment.start < self.end)
        if self.positions is not None:
            wanted.append(among(Segment.position, self.positions))
        return wanted

    @property
    def is_page(self) -> bool:
        """Return whether segments are left out by their place."""
        return bool(self.offset) or self.limit is not None or self.positions is not None

    def page_of(
        self, segments: Iterable[records.Segment], names: Mapping[str, str]
    ) -> tuple[list[records.Segment], int]:
        """The same for segments that are not in the table as they are: the page, and how many fulfill the conditions.

        ``names`` are those of the labels.
        """
        wanted = [
            segment
            for segment in segments
            if self.takes(segment, names) and (self.positions is None or segment.position in self.positions)
        ]
        return wanted[self.offset :][: self.limit], len(wanted)

    def takes(self, part: records.Segment | records.SpeakerTurn, names: Mapping[str, str]) -> bool:
        """Return whether speaker and time of a part of the transcript are wanted; ``names`` are those of the labels."""
        speakers = {name.lower() for name in (part.speaker, names.get(part.speaker or "")) if name is not None}
        return (
            (self.speaker is None or self.speaker.lower() in speakers)
            and (self.start is None or part.end > self.start)
            and (self.end is None or part.start < self.end)
        )


EVERYTHING = Selection()


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectedTranscript:
    """A transcript with some of its segments, and how many there are of that kind."""

    transcript: records.Transcript
    version: int
    total_segments: int


async def load_transcript(
    session: AsyncSession, item: Item, selection: Selection = EVERYTHING
) -> SelectedTranscript | None:
    """Return an item's present transcript as ``load`` gives it; None where there is none."""
    transcript = await transcript_of(session, item)
    return None if transcript is None else await load(session, item, transcript, selection)


async def load(session: AsyncSession, item: Item, transcript: Transcript, selection: Selection) -> SelectedTranscript:
    """Return one of an item's transcripts as a record, ready for the formats.

    Its ``speakers`` are all of them, in order of appearance, whatever is selected.
    """
    of_transcript = Segment.transcript_id == transcript.id
    wanted = select(Segment).where(of_transcript, *selection.conditions())
    rows = await session.scalars(wanted.order_by(Segment.position).offset(selection.offset).limit(selection.limit))
    segments = tuple(map(as_record, rows))
    if selection.offset or selection.limit is not None:
        total = await session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    else:
        total = len(segments)
    return SelectedTranscript(
        transcript=records.Transcript(
            item_id=item.id,
            title=item.title,
            language=transcript.language,
            language_probability=transcript.language_probability,
            duration_seconds=item.duration_seconds,
            segments=segments,
            speakers=tuple(
                await session.scalars(
                    select(Segment.speaker)
                    .where(of_transcript, Segment.speaker.is_not(None))
                    .group_by(Segment.speaker)
                    .order_by(func.min(Segment.position))
                )
            ),
            names=await names_of(session, transcript.id),
            notices=tuple(await notices_of(session, transcript.run_id)) if transcript.run_id is not None else (),
            engine=records.EngineId(
                name=transcript.engine_name, model=transcript.engine_model, version=transcript.engine_version
            ),
        ),
        version=transcript.version,
        total_segments=total,
    )


def shown_speaker() -> ColumnElement[Any]:
    """For a statement over segments: the name of who speaks, or the label where nobody has one."""
    name = (
        select(Speaker.name)
        .join(ItemSpeaker, ItemSpeaker.speaker_id == Speaker.id)
        .where(ItemSpeaker.transcript_id == Segment.transcript_id, ItemSpeaker.label == Segment.speaker)
        .correlate(Segment)
        .scalar_subquery()
    )
    return func.coalesce(name, Segment.speaker)


def said_by(names: ColumnElement[Any]) -> ColumnElement[bool]:
    """For a statement over segments: one of these people speaks, by name or by label; an array in small letters."""
    people = (
        select(ItemSpeaker.transcript_id, ItemSpeaker.label)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(func.lower(Speaker.name) == any_(names))
    )
    labeled: ColumnElement[bool] = func.lower(Segment.speaker) == any_(names)
    return labeled | tuple_(Segment.transcript_id, Segment.speaker).in_(people)


async def labels_of(session: AsyncSession, names: Iterable[str]) -> list[str]:
    """Every label under which anybody of these names, in whatever case, speaks anywhere."""
    people = select(Speaker.id).where(func.lower(Speaker.name).in_([name.lower() for name in names]))
    return list(await session.scalars(select(ItemSpeaker.label).distinct().where(ItemSpeaker.speaker_id.in_(people))))


def as_record(segment: Segment) -> records.Segment:
    """Return a stored segment as a record."""
    return records.Segment(
        start=segment.start,
        end=segment.end,
        text=segment.text,
        speaker=segment.speaker,
        confidence=segment.confidence,
        no_speech_probability=segment.no_speech_probability,
        compression_ratio=segment.compression_ratio,
        quality=segment.quality,
        language=segment.language,
        position=segment.position,
        words=tuple(records.Word(**word) for word in segment.words),
    )
