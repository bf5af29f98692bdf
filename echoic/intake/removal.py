"""The removal of the bytes of what was deleted, and its confirmation on the receipts."""

from echoic.db.connect import Database
from echoic.db.receipts import receipts
from echoic.db.receipts.receipts import Receipt
from echoic.errors import BlobNotFound, StorageUnavailable
from echoic.logs import get_logger
from echoic.storage.blobs import Blobs

INTERVAL_SECONDS = 30.0
BATCH_RECEIPTS = 100

logger = get_logger(__name__)


async def confirm_removed(database: Database, blobs: Blobs, *, item_id: int | None = None) -> int:
    """Remove the objects of receipts that are not confirmed yet, look that they are gone, and confirm it.

    All receipts, or those of one item; returns how many were confirmed. Several servers may do so at once. What the storage
    does not give up now is removed in a later round. Raises DatabaseUnavailable.
    """
    confirmed = 0
    while True:
        async with database.transaction() as session:
            found = await receipts.unconfirmed(session, limit=BATCH_RECEIPTS, item_id=item_id)
        for receipt in found:
            try:
                await _remove(blobs, receipt)
            except StorageUnavailable as error:
                logger.warning("bytes_left_for_later", receipt=receipt.id, code=error.code)
                return confirmed
            async with database.transaction() as session:
                await receipts.confirm(session, receipt)
            confirmed += 1
        if len(found) < BATCH_RECEIPTS:
            return confirmed


async def _remove(blobs: Blobs, receipt: Receipt) -> None:
    """Remove the objects. Raises StorageUnavailable, also where one is there afterwards."""
    for key in receipt.keys_left:
        await blobs.delete(key)
        try:
            await blobs.stat(key)
        except BlobNotFound:
            continue
        raise StorageUnavailable(f"The storage still holds {key}, which was removed.")
