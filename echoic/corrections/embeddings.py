"""Makes new embeddings, in the background of the API server, which has the encoder for queries.

They are made of segments that were corrected, and of all whose embedding another model made than the settings name now.
"""

import asyncio
import time
from collections.abc import Sequence

from echoic.db.connect import Database
from echoic.db.search import outdated_embeddings, stale_embeddings
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder
from echoic.logs import get_logger
from echoic.records import Embeddings

INTERVAL_SECONDS = 1.0
"""The interval between checks for corrected segments: each is one query of a table that is almost always empty."""
LONGEST_WAIT_SECONDS = 60.0
"""The longest wait between two tries while the model or the database is unavailable."""
BATCH_SEGMENTS = 64
OUTDATED_INTERVAL_SECONDS = 60.0
"""Seconds between looks for embeddings of another model: a worker with another setting may still make some."""

logger = get_logger(__name__)


async def embed_corrected(database: Database, encoder: EngineLease[TextEncoder]) -> int:
    """Encode a batch of the corrected segments; returns their number. Several servers may do so at once.

    Raises:
        StageFailed: The encoder cannot be loaded.
        DatabaseUnavailable: The database cannot be reached.
    """
    stale = await stale_embeddings.list_stale(database, limit=BATCH_SEGMENTS)
    if not stale:
        return 0
    vectors = await _encoded([segment.text for segment in stale], encoder)
    async with database.transaction() as session:
        await stale_embeddings.store_meanings(session, stale, model=encoder.id.label, vectors=vectors)
    return len(stale)


async def embed_outdated(database: Database, encoder: EngineLease[TextEncoder]) -> int:
    """Encode a batch of the segments whose embedding another model made, those of the newest transcripts first.

    Returns their number. Several servers may do so at once; one that is interrupted is gone on with where it was. Rests
    afterwards for as long as the work took, so that requests have half of the time.

    Raises:
        StageFailed: The encoder cannot be loaded.
        DatabaseUnavailable: The database cannot be reached.
    """
    model = encoder.id.label
    async with database.transaction() as session:
        outdated = await outdated_embeddings.list_outdated(session, model=model, limit=BATCH_SEGMENTS)
    if not outdated:
        return 0
    started = time.monotonic()
    vectors = await _encoded([segment.text for segment in outdated], encoder)
    async with database.transaction() as session:
        await outdated_embeddings.replace_outdated(session, outdated, model=model, vectors=vectors)
        is_done = not await outdated_embeddings.any_outdated(session, model=model)
    if is_done:
        logger.info("embedded_again", model=model)
    await asyncio.sleep(time.monotonic() - started)
    return len(outdated)


async def _encoded(texts: Sequence[str], encoder: EngineLease[TextEncoder]) -> Embeddings:
    def encode() -> Embeddings:
        with encoder.use() as engine:
            return engine.encode(texts, "passage")

    return await asyncio.to_thread(encode)
