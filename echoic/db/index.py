"""The search index: one entry a segment for words, one vector a segment for meaning; ``search`` has the queries.

``unaccent`` is folded into the text search configuration that the migrations make, so that documents and queries
cannot be folded differently.
"""

import numpy as np
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base

SCHEMA_VERSION = 1
DIMENSIONS = 384
TEXT_CONFIG = "echoic_english"


class SearchEntry(Base):
    """A segment as the keyword search sees it."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("ix_search_entries_text_vector", "text_vector", postgresql_using="gin"),)

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    schema_version: Mapped[int]
    text_vector: Mapped[str] = mapped_column(TSVECTOR)


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
    )

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str]
    vector: Mapped[np.ndarray] = mapped_column(HALFVEC(DIMENSIONS))
