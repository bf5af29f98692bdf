"""Storage taken by an account: its recordings, and its resumable uploads under way as if they were whole.

Nothing is counted up and down: the figures are the sums of the rows, so a deleted item, dataset or library frees what
it took in the transaction that deletes it, and no crash leaves anything behind. Decoded audio does not count: it goes
by itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.base import among
from echoic.db.items.items import Blob
from echoic.db.uploads.uploads import Upload

STORED_LOCK = 0x73746F726564
"""Seed of the advisory locks on what an account stores: the bytes of 'stored'."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredUse:
    """The storage that an account takes."""

    size_bytes: int
    recordings: int


async def stored_use(session: AsyncSession, account_id: int) -> StoredUse:
    """Return an account's figures. Of an upload whose length is not known yet, the bytes that are there count."""
    return (await stored_uses(session, [account_id]))[account_id]


async def stored_uses(session: AsyncSession, account_ids: Collection[int]) -> Mapping[int, StoredUse]:
    """Return the same of several accounts."""
    kept = select(Blob.account_id, func.sum(Blob.size_bytes), func.count()).where(among(Blob.account_id, account_ids))
    under_way = select(
        Upload.account_id, func.sum(func.coalesce(Upload.size_bytes, Upload.offset_bytes)), func.count()
    ).where(among(Upload.account_id, account_ids), Upload.item_id.is_(None), Upload.expires_at > func.now())
    # One statement: between two, an upload could become an item and be missing in both.
    both = kept.group_by(Blob.account_id).union_all(under_way.group_by(Upload.account_id))
    uses: dict[int | None, StoredUse] = dict.fromkeys(account_ids, StoredUse(size_bytes=0, recordings=0))
    for account_id, size_bytes, recordings in await session.execute(both):
        use = uses[account_id]
        uses[account_id] = StoredUse(
            size_bytes=use.size_bytes + int(size_bytes), recordings=use.recordings + recordings
        )
    return {account_id: uses[account_id] for account_id in account_ids}


async def lock_stored_use(session: AsyncSession, account_id: int) -> StoredUse:
    """Return the same, with what this transaction adds; nobody else adds to that account until it ends."""
    key = func.hashtextextended(str(account_id), STORED_LOCK)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    return await stored_use(session, account_id)
