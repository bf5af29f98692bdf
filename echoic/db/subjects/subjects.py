"""Subjects: the people and things that recordings name, and what is counted of them.

Triggers keep the counts (migrations 0041, 0049 and 0060): when a transaction commits, the part of each item that it changed
is counted again. They are kept for each dataset, so that an account is shown the sum over those that it may read, and for each
library, so that this sum has few rows. What is counted of a library stands in the same tables: its ``dataset_id`` is the negated
id of the library, and its ``day`` the Monday of a week, whose days count together. It is shown to those alone who read all
of the library in the original (``readable``).
"""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey

_GONE = text("items = 0")


class Subject(Base):
    """Somebody or something that is named: by rule all names of a type that are the same but for case and blanks."""

    __tablename__ = "subjects"
    __table_args__ = (
        CheckConstraint("type IN ('person', 'organization', 'place', 'product')", name="type"),
        Index("ix_subjects_type_key", "type", "key", unique=True, postgresql_where=text("library_id IS NULL")),
        # Names are found by a part of them.
        Index("ix_subjects_key", "key", postgresql_using="gin", postgresql_ops={"key": "gin_trgm_ops"}),
        Index("ix_subjects_library_id", "library_id", postgresql_where=text("library_id IS NOT NULL")),
    )

    id: Mapped[PrimaryKey]
    library_id: Mapped[int | None] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    """Of one that people made, by merging, splitting, renaming or hiding: the library for which it counts."""
    type: Mapped[str]
    key: Mapped[str]
    """Its name in lower case, with single blanks."""
    name: Mapped[str | None]
    """As people wrote it; None: as recordings spell it."""
    hidden: Mapped[bool] = mapped_column(server_default=text("false"))


class SubjectAlias(Base):
    """A decision of people: names with this key are this subject, in a library or in one of its items."""

    __tablename__ = "subject_aliases"
    __table_args__ = (
        Index(
            "ix_subject_aliases_library_id_type_key_item_id",
            "library_id",
            "type",
            "key",
            text("coalesce(item_id, 0)"),
            unique=True,
        ),
    )

    id: Mapped[PrimaryKey]
    library_id: Mapped[int] = mapped_column(ForeignKey("libraries.id", ondelete="CASCADE"))
    type: Mapped[str]
    key: Mapped[str]
    item_id: Mapped[int | None] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    subject_id: Mapped[int] = mapped_column(ForeignKey("subjects.id", ondelete="CASCADE"), index=True)


class CountedDataset(Base):
    """The library of a dataset of which something was counted.

    The row stays when the dataset is deleted: what was counted of it is taken out of the library's counts after that.
    """

    __tablename__ = "counted_datasets"

    dataset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    library_id: Mapped[int]


class SubjectItem(Base):
    """The part of one published item in the counts of one subject."""

    __tablename__ = "subject_items"
    __table_args__ = (
        Index(
            "ix_subject_items_subject_id_dataset_id_item_id",
            "subject_id",
            "dataset_id",
            "item_id",
            postgresql_include=["mentions"],
        ),
        Index("ix_subject_items_subject_id_dataset_id_day", "subject_id", "dataset_id", "day"),
    )

    item_id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int]
    day: Mapped[date]
    """As of ``CountedItem``."""
    type: Mapped[str]
    name: Mapped[str]
    mentions: Mapped[int]
    minutes: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """The minutes of the recording in which it is named, from 0."""


class SubjectCount(Base):
    """The number of times that a dataset or library names a subject. The primary key's index holds the figures, too (migration 0054)."""

    __tablename__ = "subject_counts"
    __table_args__ = (
        Index("ix_subject_counts_gone", "dataset_id", postgresql_where=_GONE),
        Index(
            "ix_subject_counts_dataset_id_mentions",
            "dataset_id",
            text("mentions DESC"),
            postgresql_include=["subject_id"],
        ),
        Index(
            "ix_subject_counts_dataset_id_type_mentions",
            "dataset_id",
            "type",
            text("mentions DESC"),
            postgresql_include=["subject_id"],
        ),
    )

    subject_id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    name: Mapped[str]
    """As it was first spelled there, or as people wrote it."""
    mentions: Mapped[int]
    items: Mapped[int]


class SubjectDay(Base):
    """The number of times that a dataset's items of a day, or a library's of a week, name a subject."""

    __tablename__ = "subject_days"
    __table_args__ = (
        Index("ix_subject_days_gone", "dataset_id", postgresql_where=_GONE),
        Index(
            "ix_subject_days_dataset_id_day_items",
            "dataset_id",
            "day",
            text("items DESC"),
            text("mentions DESC"),
            postgresql_include=["subject_id"],
        ),
    )

    subject_id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    mentions: Mapped[int]
    items: Mapped[int]


class SubjectPair(Base):
    """The number of minutes of a dataset's or library's recordings that name both of two subjects; each pair has a row for either.

    The primary key begins with both subjects, and its index holds the figures, too (migration 0054).
    """

    __tablename__ = "subject_pairs"
    __table_args__ = (
        Index("ix_subject_pairs_gone", "dataset_id", postgresql_where=_GONE),
        Index(
            "ix_subject_pairs_subject_id_dataset_id_minutes",
            "subject_id",
            "dataset_id",
            text("minutes DESC"),
            postgresql_include=["other_id"],
        ),
    )

    subject_id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(primary_key=True)
    other_id: Mapped[int] = mapped_column(primary_key=True)
    minutes: Mapped[int]
    items: Mapped[int]


class SubjectChange(Base):
    """An item or a subject that a transaction has changed; nothing is left of it when the transaction has ended."""

    __tablename__ = "subject_changes"

    id: Mapped[PrimaryKey]
    transaction: Mapped[int] = mapped_column(index=True)
    item_id: Mapped[int | None]
    subject_id: Mapped[int | None]
