"""Embeds corrected segments again, in the background of the server, which has the encoder for queries anyway."""

import asyncio

from echoic.db.connect import Database
from echoic.db.search import stale_embeddings
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.records import Embeddings

INTERVAL_SECONDS = 1.0
"""How often it is looked whether something was corrected: one query of a table that is almost always empty."""
LONGEST_WAIT_SECONDS = 60.0
"""Between two tries where the model or the database is away."""
BATCH_SEGMENTS = 64


async def embed_corrected(database: Database, encoder: EngineLease[TextEncoder]) -> int:
    """Do a batch of the segments that wait; returns how many. Several servers may do it at once.

    Raises:
        StageFailed: the encoder cannot be loaded.
        DatabaseUnavailable: the database is away.
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
