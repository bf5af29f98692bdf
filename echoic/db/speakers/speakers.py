"""The people a library knows by name, under which label each speaks in an item, and the voiceprints of both.

A name is looked up whenever it is shown, so a change of it is seen everywhere at once. Whoever changes what is in these
tables holds ``lock_voices``: then nobody is recognized by a voice that is being forgotten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    delete,
    distinct,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey
from echoic.db.items.items import Item
from echoic.db.transcripts.edits import LabelState
from echoic.errors import SpeakerNameTaken

DIMENSIONS = 192
VOICES_LOCK = 0x766F696365
"""Class of the advisory locks on a library's voices: the bytes of 'voice', cut to what a lock's number may be."""


class Speaker(Base):
    """Somebody whom a library knows by name."""

    __tablename__ = "speakers"

    id: Mapped[PrimaryKey]
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    name: Mapped[str]
    created_at: Mapped[CreatedAt]


Index("uq_speakers_library_id_name", Speaker.library_id, func.lower(Speaker.name), unique=True)


class ItemSpeaker(Base):
    """A label of a transcript and, where it is known, who speaks under it.

    ``how`` it is known: ``enrolled`` and ``by_hand`` were said by a person, and the voice is learned from or not;
    ``matched`` was found by voice. ``by_hand`` without a speaker: somebody said that it is nobody known.
    """

    __tablename__ = "item_speakers"
    __table_args__ = (
        CheckConstraint("how IN ('enrolled', 'matched', 'by_hand')", name="how"),
        UniqueConstraint("transcript_id", "label"),
    )

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    label: Mapped[str]
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="SET NULL"), index=True)
    how: Mapped[str | None]
    confidence: Mapped[float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """The person who speaks under a label and how that is known, as in ``ItemSpeaker``."""

    speaker_id: int | None = None
    how: str | None = None
    confidence: float | None = None


UNKNOWN = Naming()
"""Nobody said or found anything."""


class StoredVoiceprint(Base):
    """A voice as a vector, either that of a label in an item or that of a person in a clip; with what made it."""

    __tablename__ = "voiceprints"
    __table_args__ = (CheckConstraint("(item_speaker_id IS NULL) <> (speaker_id IS NULL)", name="whose"),)

    id: Mapped[PrimaryKey]
    item_speaker_id: Mapped[int | None] = mapped_column(ForeignKey("item_speakers.id", ondelete="CASCADE"), unique=True)
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="CASCADE"), index=True)
    engine: Mapped[str]
    seconds: Mapped[float]
    vector: Mapped[np.ndarray] = mapped_column(VECTOR(DIMENSIONS))
    created_at: Mapped[CreatedAt]


class VoiceSuggestion(Base):
    """A person whose voice a label's may be: alike enough to be asked about, and not to be named by."""

    __tablename__ = "voice_suggestions"

    item_speaker_id: Mapped[int] = mapped_column(
        ForeignKey("item_speakers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    speaker_id: Mapped[int] = mapped_column(ForeignKey("speakers.id", ondelete="CASCADE"), index=True)
    confidence: Mapped[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownSpeaker:
    """A person with what a library has of them."""

    id: int
    name: str
    appearances: int
    """Labels in items, each item's present transcript only."""
    items: int
    """So many items have these labels."""
    voiceprints: int
    """Samples that the person is recognized by."""


async def lock_voices(session: AsyncSession, library_id: int) -> None:
    """Let nobody else learn, forget or recognize voices of a library until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(VOICES_LOCK << 24 ^ library_id)))


async def create_speaker(session: AsyncSession, *, library_id: int, name: str) -> Speaker:
    """Make a person known by name; raises SpeakerNameTaken."""
    speaker = Speaker(library_id=library_id, name=name)
    try:
        async with session.begin_nested():
            session.add(speaker)
    except IntegrityError as error:
        raise SpeakerNameTaken(f"The library knows somebody as '{name}' already.") from error
    return speaker


async def rename_speaker(session: AsyncSession, speaker: Speaker, name: str) -> None:
    """Give a person another name; raises SpeakerNameTaken."""
    try:
        async with session.begin_nested():
            speaker.name = name
    except IntegrityError as error:
        raise SpeakerNameTaken(f"The library knows somebody as '{name}' already.") from error


async def find_speakers(session: AsyncSession, *, library_id: int, ids: Iterable[int]) -> list[Speaker]:
    """Return those of the ids that are people of the library."""
    query = select(Speaker).where(Speaker.library_id == library_id, Speaker.id.in_(list(ids)))
    return list(await session.scalars(query.order_by(Speaker.id)))


async def speaker_named(session: AsyncSession, *, library_id: int, name: str) -> Speaker | None:
    """Return the person a library knows by a name, in whatever case it is written."""
    return await session.scalar(
        select(Speaker).where(Speaker.library_id == library_id, func.lower(Speaker.name) == func.lower(name))
    )


async def list_speakers(
    session: AsyncSession,
    library_id: int,
    *,
    ids: Sequence[int] | None = None,
    query: str | None = None,
    published_only: bool = False,
    limit: int,
    offset: int,
) -> tuple[list[KnownSpeaker], int]:
    """A library's people by name, or some of them, and how many there are; ``query`` is a part of a name, in any case.

    With ``published_only`` those who speak in a published item, and what is known of them from such items.
    """
    shown = Item.status == "published" if published_only else true()
    present = (
        select(ItemSpeaker.id)
        .join(Item, Item.transcript_id == ItemSpeaker.transcript_id)
        .where(ItemSpeaker.speaker_id == Speaker.id, shown)
    )
    wanted = [Speaker.library_id == library_id]
    if ids is not None:
        wanted.append(Speaker.id.in_(ids))
    if query is not None:
        wanted.append(Speaker.name.icontains(query, autoescape=True))
    if published_only:
        wanted.append(present.exists())
    appearances = present.with_only_columns(func.count()).scalar_subquery()
    in_so_many = present.with_only_columns(func.count(distinct(Item.id))).scalar_subquery()
    clips = (
        select(func.count())
        .select_from(StoredVoiceprint)
        .where(StoredVoiceprint.speaker_id == Speaker.id)
        .scalar_subquery()
    )
    in_items = (
        select(func.count())
        .select_from(StoredVoiceprint)
        .join(ItemSpeaker, ItemSpeaker.id == StoredVoiceprint.item_speaker_id)
        .join(Item, Item.id == ItemSpeaker.item_id)
        .where(ItemSpeaker.speaker_id == Speaker.id, ItemSpeaker.how == "enrolled", shown)
        .scalar_subquery()
    )
    total = await session.scalar(select(func.count()).select_from(Speaker).where(*wanted))
    rows = await session.execute(
        select(Speaker.id, Speaker.name, appearances, in_so_many, clips + in_items)
        .where(*wanted)
        .order_by(func.lower(Speaker.name), Speaker.id)
        .limit(limit)
        .offset(offset)
    )
    found = [KnownSpeaker(id=row[0], name=row[1], appearances=row[2], items=row[3], voiceprints=row[4]) for row in rows]
    return found, total or 0


async def names_of(session: AsyncSession, transcript_id: int) -> dict[str, str]:
    """Return the names of a transcript's labels, for those that have one."""
    rows = await session.execute(
        select(ItemSpeaker.label, Speaker.name)
        .join(Speaker, Speaker.id == ItemSpeaker.speaker_id)
        .where(ItemSpeaker.transcript_id == transcript_id)
    )
    return {row[0]: row[1] for row in rows}


async def speakers_in(session: AsyncSession, transcript_id: int) -> dict[int, str]:
    """Return the known people who speak in a transcript: their names by id."""
    rows = await session.execute(
        select(Speaker.id, Speaker.name)
        .join(ItemSpeaker, ItemSpeaker.speaker_id == Speaker.id)
        .where(ItemSpeaker.transcript_id == transcript_id)
        .order_by(Speaker.id)
    )
    return {row[0]: row[1] for row in rows}


async def merge_speakers(session: AsyncSession, *, into: int, ids: Sequence[int]) -> None:
    """Make people one: what the others had is the first one's, in earlier versions too, and they are gone."""
    for table in (ItemSpeaker, LabelState, StoredVoiceprint, VoiceSuggestion):
        await session.execute(update(table).where(table.speaker_id.in_(ids)).values(speaker_id=into))
    await session.execute(delete(Speaker).where(Speaker.id.in_(ids)))


async def forget_voice(session: AsyncSession, speaker_id: int) -> None:
    """Delete what a person is recognized by. What people said stays, what the voice said does not."""
    enrolled = select(ItemSpeaker.id).where(ItemSpeaker.speaker_id == speaker_id, ItemSpeaker.how == "enrolled")
    await session.execute(
        delete(StoredVoiceprint).where(
            or_(StoredVoiceprint.speaker_id == speaker_id, StoredVoiceprint.item_speaker_id.in_(enrolled))
        )
    )
    await session.execute(delete(VoiceSuggestion).where(VoiceSuggestion.speaker_id == speaker_id))
    await unlearn(session, ItemSpeaker.speaker_id == speaker_id, LabelState.speaker_id == speaker_id)


async def unlearn(session: AsyncSession, labels: ColumnElement[bool], versions: ColumnElement[bool]) -> None:
    """Leave of these labels' names, now and in versions, only what people said; nothing is learned from it any more."""
    for table, which in ((ItemSpeaker, labels), (LabelState, versions)):
        of_these = update(table).where(which)
        await session.execute(of_these.where(table.how == "enrolled").values(how="by_hand"))
        await session.execute(of_these.where(table.how == "matched").values(speaker_id=None, how=None, confidence=None))


async def delete_speaker(session: AsyncSession, speaker_id: int) -> None:
    """Forget a person: name, clips, every voiceprint that was taken for theirs, however it was, and earlier versions."""
    appearances = select(ItemSpeaker.id).where(ItemSpeaker.speaker_id == speaker_id)
    await session.execute(delete(StoredVoiceprint).where(StoredVoiceprint.item_speaker_id.in_(appearances)))
    for table in (ItemSpeaker, LabelState):
        await session.execute(
            update(table).where(table.speaker_id == speaker_id).values(speaker_id=None, how=None, confidence=None)
        )
    await session.execute(delete(Speaker).where(Speaker.id == speaker_id))
