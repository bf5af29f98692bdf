"""Temporary items, which are deleted some time after their work has ended."""

from echoic.db.connect import Database
from echoic.db.items import temporary
from echoic.intake.sweep import discard
from echoic.logs import get_logger
from echoic.storage.blobs import Blobs

INTERVAL_SECONDS = 30.0
BATCH_ITEMS = 100

logger = get_logger(__name__)


async def delete_temporary(database: Database, blobs: Blobs) -> int:
    """Delete the temporary items whose time is over, with their bytes; returns how many that were.

    Several servers may do so at once. Raises DatabaseUnavailable.
    """
    deleted = 0
    while True:
        async with database.transaction() as session:
            ids, keys = await temporary.delete_ended(session, limit=BATCH_ITEMS)
        await discard(blobs, keys)
        deleted += len(ids)
        if len(ids) < BATCH_ITEMS:
            break
    if deleted:
        logger.info("temporary_items_deleted", items=deleted)
    return deleted
