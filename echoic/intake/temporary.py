"""Items that are deleted in time: temporary ones some time after their work has ended, others at their deadline."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.items import temporary
from echoic.intake.sweep import discard
from echoic.logs import get_logger
from echoic.storage.blobs import Blobs

INTERVAL_SECONDS = 30.0
EXPIRED_INTERVAL_SECONDS = 300.0
BATCH_ITEMS = 100


class DeleteSome(Protocol):
    """Forgets so many items; returns their ids, and the keys of their bytes."""

    async def __call__(self, session: AsyncSession, *, limit: int) -> tuple[list[int], list[str]]: ...


logger = get_logger(__name__)


async def delete_temporary(database: Database, blobs: Blobs) -> int:
    """Delete the temporary items whose time is over, with their bytes; returns how many that were.

    Several servers may do so at once. Raises DatabaseUnavailable.
    """
    deleted = await _delete(database, blobs, temporary.delete_ended)
    if deleted:
        logger.info("temporary_items_deleted", items=deleted)
    return deleted


async def delete_expired(database: Database, blobs: Blobs) -> int:
    """Delete the items whose deadline has passed, likewise."""
    deleted = await _delete(database, blobs, temporary.delete_expired)
    if deleted:
        logger.info("expired_items_deleted", items=deleted)
    return deleted


async def _delete(database: Database, blobs: Blobs, delete_some: DeleteSome) -> int:
    deleted = 0
    while True:
        async with database.transaction() as session:
            ids, keys = await delete_some(session, limit=BATCH_ITEMS)
        await discard(blobs, keys)
        deleted += len(ids)
        if len(ids) < BATCH_ITEMS:
            return deleted
