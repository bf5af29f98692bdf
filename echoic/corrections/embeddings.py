"""Makes new embeddings of corrected segments, in the background of the API server, which has the encoder for queries."""

import asyncio

from echoic.db.connect import Database
from echoic.db.search import stale_embeddings
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.records import Embeddings

INTERVAL_SECONDS = 1.0
"""The interval between checks for corrected segments: each is one query of a table that is almost always empty."""
LONGEST_WAIT_SECONDS = 60.0
"""The longest wait between two tries while the model or the database is unavailable."""
BATCH_SEGMENTS = 64


async def embed_corrected(database: Database, encoder: EngineLease[TextEncoder]) -> int:
    """Encode a batch of the corrected segments; returns their number. Several servers may do so at once.

    Raises:
        StageFailed: The encoder cannot be loaded.
        DatabaseUnavailable: The database cannot be reached.
    """
    async with database.transaction() as session:
        stale = await stale_embeddings.list_stale(session, limit=BATCH_SEGMENTS)
    if not stale:
        return 0
    texts = [segment.text for segment in stale]

    def encode() -> Embeddings:
        with encoder.use() as engine:
            return engine.encode(texts, "passage")

    vectors = await asyncio.to_thread(encode)
    async with database.transaction() as session:
        await stale_embeddings.store_meanings(session, stale, model=encoder.id.label, vectors=vectors)
    return len(stale)
