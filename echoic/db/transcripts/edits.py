"""The tables of a transcript's versions: each edit, and what it changed in segments and in who speaks under a label."""

from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey

EditKind = Literal["correction", "transcription", "carried_over"]
"""What made a version: a person; another run of the engines, with a transcript of its own; that run, making again what
people had corrected in the former transcript."""


class TranscriptEdit(Base):
    """The changes that one call made: they are the version of that number.

    Versions are numbered through all transcripts that an item has had: the first one begins at 0, each later one with an
    edit of the kind ``transcription``, which changes nothing by itself.
    """

    __tablename__ = "transcript_edits"
    __table_args__ = (
        UniqueConstraint("transcript_id", "version"),
        CheckConstraint("kind IN ('correction', 'transcription', 'carried_over')", name="kind"),
    )

    id: Mapped[PrimaryKey]
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    version: Mapped[int]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"), index=True)
    kind: Mapped[EditKind] = mapped_column(Text, server_default="correction")
    restores: Mapped[int | None]
    """The version that this one is equal to, where it was made to go back to it."""
    created_at: Mapped[CreatedAt]


class SegmentEdit(Base):
    """A segment before and after an edit: objects with text, speaker, confidence, quality, words."""

    __tablename__ = "segment_edits"

    edit_id: Mapped[int] = mapped_column(
        ForeignKey("transcript_edits.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]


class LabelState(Base):
    """The person under a label before an edit, and after it; columns as in ``ItemSpeaker``.

    It is the person who is kept, not the name: a name is looked up when it is shown, and whoever is forgotten is
    forgotten here, too.
    """

    __tablename__ = "label_states"
    __table_args__ = (CheckConstraint("how IN ('enrolled', 'matched', 'by_hand')", name="how"),)

    edit_id: Mapped[int] = mapped_column(
        ForeignKey("transcript_edits.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    label: Mapped[str] = mapped_column(primary_key=True)
    after: Mapped[bool] = mapped_column(primary_key=True)
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("speakers.id", ondelete="SET NULL"), index=True)
    how: Mapped[str | None]
    confidence: Mapped[float | None]
