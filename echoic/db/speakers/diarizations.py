"""Diarizations of items, as runs heard them: the turns with their overlap, and those without it."""

from collections.abc import Iterable

from sqlalchemy import ForeignKey, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic import records
from echoic.db.base import Base, CreatedAt, PrimaryKey


class Diarization(Base):
    """The speakers of a transcript were told apart, and by which engine."""

    __tablename__ = "diarizations"

    id: Mapped[PrimaryKey]
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"), unique=True)
    engine: Mapped[str]
    speakers: Mapped[list[str]]
    created_at: Mapped[CreatedAt]


class SpeakerTurn(Base):
    """A stretch in which one speaker has the word; of the exclusive ones no two overlap."""

    __tablename__ = "speaker_turns"
    id: Mapped[PrimaryKey]
    diarization_id: Mapped[int] = mapped_column(ForeignKey("diarizations.id", ondelete="CASCADE"), index=True)
    exclusive: Mapped[bool]
    speaker: Mapped[str]
    start: Mapped[float] = mapped_column("start_seconds")
    end: Mapped[float] = mapped_column("end_seconds")


async def store_diarization(
    session: AsyncSession, *, transcript_id: int, diarization: records.Diarization, engine: records.EngineId
) -> None:
    """Keep who speaks when beside a transcript that has none of it yet."""
    row = Diarization(transcript_id=transcript_id, engine=engine.label, speakers=list(diarization.speakers))
    session.add(row)
    await session.flush()
    turns = [
        *(_turn_row(row.id, turn, exclusive=False) for turn in diarization.turns),
        *(_turn_row(row.id, turn, exclusive=True) for turn in diarization.exclusive),
    ]
    if turns:
        await session.execute(insert(SpeakerTurn), turns)


async def load_diarization(session: AsyncSession, transcript_id: int) -> records.Diarization | None:
    """Return who speaks when in a transcript's item; None where the speakers were not told apart."""
    row = await session.scalar(select(Diarization).where(Diarization.transcript_id == transcript_id))
    if row is None:
        return None
    turns = list(
        await session.scalars(
            select(SpeakerTurn).where(SpeakerTurn.diarization_id == row.id).order_by(SpeakerTurn.start, SpeakerTurn.id)
        )
    )
    return records.Diarization(
        turns=_records(turn for turn in turns if not turn.exclusive),
        exclusive=_records(turn for turn in turns if turn.exclusive),
        speakers=tuple(row.speakers),
    )


def _turn_row(diarization_id: int, turn: records.SpeakerTurn, *, exclusive: bool) -> dict[str, object]:
    return {
        "diarization_id": diarization_id,
        "exclusive": exclusive,
        "speaker": turn.speaker,
        "start": turn.start,
        "end": turn.end,
    }


def _records(turns: Iterable[SpeakerTurn]) -> tuple[records.SpeakerTurn, ...]:
    return tuple(records.SpeakerTurn(start=turn.start, end=turn.end, speaker=turn.speaker) for turn in turns)
