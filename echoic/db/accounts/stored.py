"""What an account keeps in storage: its recordings, and its resumable uploads under way as if they were whole.

Nothing is counted up and down: the figures are the sums of the rows, so a deleted item, dataset or library frees what
it took in the transaction that deletes it, and no crash leaves anything behind. Decoded audio does not count: it goes
by itself.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.items.items import Blob
from echoic.db.uploads.uploads import Upload

STORED_LOCK = 0x73746F726564
"""Seed of the advisory locks on what an account stores: the bytes of 'stored'."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredUse:
    """What an account takes of the storage."""

    size_bytes: int
    recordings: int


async def stored_use(session: AsyncSession, account_id: int) -> StoredUse:
    """An account's figures. Of an upload whose length is not known yet, the bytes that are there count."""
    kept = select(func.coalesce(func.sum(Blob.size_bytes), 0), func.count()).where(Blob.account_id == account_id)
    under_way = select(
        func.coalesce(func.sum(func.coalesce(Upload.size_bytes, Upload.offset_bytes)), 0), func.count()
    ).where(Upload.account_id == account_id, Upload.item_id.is_(None), Upload.expires_at > func.now())
    # One statement: between two, an upload could become an item and be missing in both.
    rows = (await session.execute(kept.union_all(under_way))).all()
    return StoredUse(size_bytes=int(sum(row[0] for row in rows)), recordings=sum(row[1] for row in rows))


async def lock_stored_use(session: AsyncSession, account_id: int) -> StoredUse:
    """The same, with what this transaction adds; nobody else adds to that account until it ends."""
    key = func.hashtextextended(str(account_id), STORED_LOCK)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    return await stored_use(session, account_id)
