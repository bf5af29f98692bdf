"""The search index: entries for words, vectors for meaning, and what is known of the words themselves.

An entry is about a segment, or about an item's title and description. ``index_write`` makes them, ``search`` asks them;
``words`` says what stands in an entry's vector.
"""

import numpy as np
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, PrimaryKey

SCHEMA_VERSION = 7
"""Of what entries hold. It goes up with every change of that; entries of an older one are rebuilt in the background.

1 held the English stems of a segment as plain lexemes, and nothing else.
2 held whole stretches of scripts that put no blanks between words.
3 held the groups of a number, but not the number.
4 held no names with marks, such as C++.
5 had no marks of blocks of items.
6 held words cut at soft hyphens, and whole words with apostrophes that Unicode counts as letters.
"""
FIRST_MARKED = 2
"""The first version whose entries have marks, and whose stems are no plain lexemes (``words.STEM``)."""
FIRST_IN_BLOCKS = 6
"""The first version whose entries have marks of blocks of items (``lexemes.BLOCK``)."""
DIMENSIONS = 384


class SearchEntry(Base):
    """A segment, or an item's title and description, as the keyword search sees it."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("ix_search_entries_vector", "vector", postgresql_using="gin"),)

    id: Mapped[PrimaryKey]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    transcript_id: Mapped[int | None] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"), index=True)
    """None in the entry about title and description."""
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), unique=True)
    position: Mapped[int]
    """The segment's in its transcript; -1 in the entry about title and description."""
    schema_version: Mapped[int] = mapped_column(index=True)
    vector: Mapped[str] = mapped_column(TSVECTOR)


class SearchWord(Base):
    """A word that was indexed once, with the forms by which words one edit apart are found (``edits.deletion_forms``)."""

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_slips", "slips", postgresql_using="gin"),
        # Compounds are found by a part of them.
        Index("ix_search_words_word", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(primary_key=True)
    slips: Mapped[list[str]] = mapped_column(ARRAY(Text()))


class SearchDictionary(Base):
    """A dictionary that entries were made with: queries are stemmed with each of these."""

    __tablename__ = "search_dictionaries"

    dictionary: Mapped[str] = mapped_column(primary_key=True)


class SegmentEmbedding(Base):
    """A segment's meaning as a vector, with the model that made it; vectors of two models are never compared."""

    __tablename__ = "segment_embeddings"
    __table_args__ = (
        Index(
            "ix_segment_embeddings_vector",
            "vector",
            postgresql_using="hnsw",
            postgresql_ops={"vector": "halfvec_ip_ops"},
        ),
        # Those of another model than the present one are made again.
        Index("ix_segment_embeddings_model", "model", "transcript_id"),
    )

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"), index=True)
    """The segment's: what may be found is known by item, and thus by transcript."""
    model: Mapped[str]
    vector: Mapped[np.ndarray] = mapped_column(HALFVEC(DIMENSIONS))
