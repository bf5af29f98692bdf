"""Contents of the storage, as the rows name them: recordings, decoded audio, and uploads under way."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import CTE, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.accounts.accounts import Account
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Blob, Item
from echoic.db.uploads.uploads import Upload, UploadPart

StorageOwner = Literal["account", "library"]


@dataclass(frozen=True, slots=True)
class StorageShare:
    """Bytes of one account or of one library."""

    account_id: int | None
    library: str | None
    """The slug of a library."""
    name: str | None
    """None: an account that was removed, or a recording from before it was noted who uploaded it."""
    items: int
    original_bytes: int
    decoded_bytes: int


@dataclass(frozen=True, slots=True)
class StorageUse:
    """Bytes of the whole installation, and some of the shares in them."""

    items: int
    original_bytes: int
    decoded_bytes: int
    upload_bytes: int
    """Of resumable uploads that are not whole yet."""
    shares: list[StorageShare]
    total: int
    """So many accounts or libraries have a share."""


async def read_use(session: AsyncSession, *, by: StorageOwner, limit: int, offset: int) -> StorageUse:
    """Sum up what all items and uploads take, and what each account or library does, the one with the most first.

    A recording counts for the account that uploaded it, as it does for that account's plan.
    """
    share = _shares(by)
    sums = (func.coalesce(func.sum(share.c[name]), 0) for name in ("items", "original_bytes", "decoded_bytes"))
    whole = select(func.count(), *sums).select_from(share).subquery("whole")
    most_first = ((share.c.original_bytes + share.c.decoded_bytes).desc(), share.c.key)
    some = select(share).order_by(*most_first).limit(limit).offset(offset).subquery("some")
    # One statement, so that the items are read once. Where it has no share to show, their columns are null.
    rows = (await session.execute(select(*whole.c, *some.c).select_from(whole.outerjoin(some, true())))).all()
    total, items, originals, decoded = rows[0][: len(whole.c)]
    shown = [tuple(row[len(whole.c) :]) for row in rows]
    return StorageUse(
        items=int(items),
        original_bytes=int(originals),
        decoded_bytes=int(decoded),
        upload_bytes=await _upload_bytes(session),
        shares=[_share(by, *columns) for columns in shown if columns[-1] is not None],
        total=total,
    )


async def newest_audio_keys(session: AsyncSession, most: int) -> list[str]:
    """Return the keys of the newest recordings whose bytes should be in the storage."""
    newest = select(Blob.key).join(Item, Item.audio_blob_id == Blob.id).where(Blob.removed_at.is_(None))
    return list(await session.scalars(newest.order_by(Item.id.desc()).limit(most)))


async def _upload_bytes(session: AsyncSession) -> int:
    uploads = (
        select(func.coalesce(func.sum(UploadPart.size_bytes), 0))
        .join(Upload, Upload.id == UploadPart.upload_id)
        .where(Upload.item_id.is_(None))
    )
    return int(await session.scalar(uploads) or 0)


def _shares(by: StorageOwner) -> CTE:
    """Return the shares of all owners: the owner's key and name, and what is summed up."""
    audio, decoded = aliased(Blob), aliased(Blob)
    key, name = (audio.account_id, Account.name) if by == "account" else (Library.slug, Library.name)
    original_bytes = func.coalesce(func.sum(audio.size_bytes).filter(audio.removed_at.is_(None)), 0)
    query = (
        select(
            key.label("key"),
            name,
            original_bytes.label("original_bytes"),
            func.coalesce(func.sum(decoded.size_bytes), 0).label("decoded_bytes"),
            func.count().label("items"),
        )
        .select_from(Item)
        .join(audio, audio.id == Item.audio_blob_id)
        .outerjoin(decoded, decoded.id == Item.decoded_blob_id)
        .group_by(key, name)
    )
    if by == "account":
        query = query.outerjoin(Account, Account.id == audio.account_id)
    else:
        query = query.join(Dataset, Dataset.id == Item.dataset_id).join(Library, Library.id == Dataset.library_id)
    return query.cte("share")


def _share(by: StorageOwner, key: Any, name: str | None, originals: int, decoded: int, items: int) -> StorageShare:  # noqa: PLR0917 - the columns
    return StorageShare(
        account_id=key if by == "account" else None,
        library=key if by == "library" else None,
        name=name,
        items=items,
        original_bytes=int(originals),
        decoded_bytes=int(decoded),
    )
