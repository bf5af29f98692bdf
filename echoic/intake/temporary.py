"""Items that are deleted in time, in whole or in part: temporary ones after their work has ended, others at their deadline."""

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
    """Forgets so many items, or parts of them; returns their ids, and the keys of their bytes."""

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
    """Delete the items whose deadline has passed, likewise, and the audio or the transcript of those with one for it alone."""
    items = await _delete(database, blobs, temporary.delete_expired)
    audio = await _delete(database, blobs, temporary.remove_expired_audio)
    transcripts = await _delete(database, blobs, temporary.remove_expired_transcripts)
    if items or audio or transcripts:
        logger.info("expired_items_deleted", items=items, audio=audio, transcripts=transcripts)
    return items + audio + transcripts


async def _delete(database: Database, blobs: Blobs, delete_some: DeleteSome) -> int:
    deleted = 0
    while True:
        async with database.transaction() as session:
            ids, keys = await delete_some(session, limit=BATCH_ITEMS)
        await discard(blobs, keys)
        deleted += len(ids)
        if len(ids) < BATCH_ITEMS:
            return deleted
