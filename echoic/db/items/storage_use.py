"""Contents of the storage, as the rows name them: recordings, decoded audio, and uploads under way."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from echoic.db.accounts.accounts import Account
from echoic.db.catalog.libraries import Dataset, Library
from echoic.db.items.items import Blob, Item
from echoic.db.uploads.uploads import Upload, UploadPart

StorageOwner = Literal["account", "library"]

_audio, _decoded = aliased(Blob), aliased(Blob)


@dataclass(frozen=True, slots=True)
class StorageTotal:
    """Bytes of the whole installation."""

    items: int
    original_bytes: int
    decoded_bytes: int
    upload_bytes: int
    """Of resumable uploads that are not whole yet."""


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


async def total_use(session: AsyncSession) -> StorageTotal:
    """Sum up what all items and uploads take."""
    items, originals, decoded = (await session.execute(_sums(select()))).one()
    uploads = (
        select(func.coalesce(func.sum(UploadPart.size_bytes), 0))
        .join(Upload, Upload.id == UploadPart.upload_id)
        .where(Upload.item_id.is_(None))
    )
    return StorageTotal(items, int(originals), int(decoded), int(await session.scalar(uploads) or 0))


async def list_shares(
    session: AsyncSession, *, by: StorageOwner, limit: int, offset: int
) -> tuple[list[StorageShare], int]:
    """Return what each account or library takes, the one with the most first, and how many there are.

    A recording counts for the account that uploaded it, as it does for that account's plan.
    """
    if by == "account":
        query = _sums(select(_audio.account_id, Account.name)).outerjoin(Account, Account.id == _audio.account_id)
        query = query.group_by(_audio.account_id, Account.name)
        key = _audio.account_id
    else:
        query = _sums(select(Library.slug, Library.name))
        query = query.join(Dataset, Dataset.id == Item.dataset_id).join(Library, Library.id == Dataset.library_id)
        query = query.group_by(Library.id)
        key = Library.id
    total = await session.scalar(select(func.count()).select_from(query.subquery()))
    most_first = (_BYTES.desc(), key)
    rows = await session.execute(query.order_by(*most_first).limit(limit).offset(offset))
    return [_share(by, *row) for row in rows], total or 0


_ORIGINAL_BYTES = func.coalesce(func.sum(_audio.size_bytes).filter(_audio.removed_at.is_(None)), 0)
_DECODED_BYTES = func.coalesce(func.sum(_decoded.size_bytes), 0)
_BYTES = _ORIGINAL_BYTES + _DECODED_BYTES


def _sums(query: "Select[*tuple[Any, ...]]") -> "Select[*tuple[Any, ...]]":
    return (
        query.add_columns(func.count(), _ORIGINAL_BYTES, _DECODED_BYTES)
        .select_from(Item)
        .join(_audio, _audio.id == Item.audio_blob_id)
        .outerjoin(_decoded, _decoded.id == Item.decoded_blob_id)
    )


def _share(by: StorageOwner, key: Any, name: str | None, items: int, originals: int, decoded: int) -> StorageShare:  # noqa: PLR0917 - the columns
    return StorageShare(
        account_id=key if by == "account" else None,
        library=key if by == "library" else None,
        name=name,
        items=items,
        original_bytes=int(originals),
        decoded_bytes=int(decoded),
    )
