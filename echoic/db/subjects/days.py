"""Recordings and words by day, or by week for a library: kept counts that say what is named and said more than before.

Triggers keep them with the counts of subjects, in the same form (migrations 0049 and 0060): of an item that is published, moved or deleted when the
transaction commits, of one that is corrected by the difference of its search entries.
"""

from datetime import date

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey

_GONE = text("items = 0")


class CountedItem(Base):
    """A published item, as it stands in the counts by day."""

    __tablename__ = "counted_items"

    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    dataset_id: Mapped[int]
    day: Mapped[date]
    """That of its ``publish_date``, else that on which it was published here, in UTC; never a later one than the latter."""
    transcript_id: Mapped[int]


class DatasetDay(Base):
    """The number of a dataset's items of a day, or of a library's of a week."""

    __tablename__ = "dataset_days"
    __table_args__ = (Index("ix_dataset_days_gone", "dataset_id", postgresql_where=_GONE),)

    dataset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    items: Mapped[int]


class ItemWord(Base):
    """The number of times that a published item says a word, folded as in the search index; stop words have no row."""

    __tablename__ = "item_words"
    __table_args__ = (Index("ix_item_words_word_dataset_id_day", "word", "dataset_id", "day"),)

    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int]
    day: Mapped[date]
    mentions: Mapped[int]


class WordDay(Base):
    """The number of times that a dataset's items of a day, or a library's of a week, say a word."""

    __tablename__ = "word_days"
    __table_args__ = (
        Index("ix_word_days_gone", "dataset_id", postgresql_where=_GONE),
        Index(
            "ix_word_days_dataset_id_day_items",
            "dataset_id",
            "day",
            text("items DESC"),
            text("mentions DESC"),
            postgresql_include=["word"],
        ),
    )

    word: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    mentions: Mapped[int]
    items: Mapped[int]


class WordChange(Base):
    """A change of an item's words by a transaction; nothing is left of it when the transaction has ended."""

    __tablename__ = "word_changes"

    id: Mapped[PrimaryKey]
    transaction: Mapped[int] = mapped_column(index=True)
    item_id: Mapped[int]
    word: Mapped[str]
    mentions: Mapped[int]
