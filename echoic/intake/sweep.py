"""The sweep: bytes that no row names, left by a crash between storing and committing, are found and removed."""

from collections.abc import AsyncIterator, Iterable

from echoic.db.connect import Database
from echoic.db.items import items
from echoic.db.sources import entries
from echoic.db.uploads import idempotency, uploads
from echoic.errors import StorageUnavailable
from echoic.logs import get_logger
from echoic.storage.blobs import Blobs

MIN_AGE_SECONDS = 3_600.0
"""Bytes younger than this may belong to an upload or a stage that is about to commit; none takes that long."""

INTERVAL_SECONDS = 3_600.0
BATCH_KEYS = 500
BATCH_UPLOADS = 100

logger = get_logger(__name__)


async def sweep(database: Database, blobs: Blobs, *, min_age_seconds: float = MIN_AGE_SECONDS) -> int:
    """Remove stored and half-stored bytes of that age that no row names; returns how many blobs that were.

    Uploads that have expired are given up first, with their parts, and expired idempotency keys are forgotten. Several
    servers may sweep at once. Raises DatabaseUnavailable and StorageUnavailable.
    """
    async with database.transaction() as session:
        await idempotency.delete_expired_keys(session)
    await _give_up_expired(database, blobs)
    removed = await blobs.sweep_staging(min_age_seconds)
    async for keys in _in_batches(blobs, min_age_seconds):
        async with database.transaction() as session:
            known = await items.known_blob_keys(session, keys) | await uploads.known_part_keys(session, keys)
            known |= await entries.known_part_keys(session, keys)
        for key in keys:
            if key not in known:
                await blobs.delete(key)
                removed += 1
    if removed:
        logger.info("swept", blobs=removed)
    return removed


async def _give_up_expired(database: Database, blobs: Blobs) -> None:
    expired = True
    while expired:
        async with database.transaction() as session:
            expired_ids = await uploads.list_expired(session, limit=BATCH_UPLOADS)
            keys = await uploads.delete_uploads(session, expired_ids)
        await discard(blobs, keys)
        expired = bool(expired_ids)


async def discard(blobs: Blobs, keys: Iterable[str]) -> None:
    """Remove bytes whose rows are gone for good; what the storage does not give up now, the next sweep finds."""
    for key in keys:
        try:
            await blobs.delete(key)
        except StorageUnavailable as error:
            logger.warning("bytes_left_to_the_sweep", blob_key=key, code=error.code)
            return


async def _in_batches(blobs: Blobs, min_age_seconds: float) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for blob in blobs.list_older_than(min_age_seconds):
        batch.append(blob.key)
        if len(batch) == BATCH_KEYS:
            yield batch
            batch = []
    if batch:
        yield batch
