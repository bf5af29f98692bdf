"""Items and the blobs they own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, aliased, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, among, set_columns
from echoic.db.catalog.libraries import Dataset, Library, LibraryMember
from echoic.db.outbox.quotations import forget_quotations
from echoic.db.receipts import receipts
from echoic.db.receipts.counts import count_rows
from echoic.db.receipts.receipts import Cause, Gone
from echoic.errors import LegalHold

DELETE_BATCH_ROWS = 1000
CONTENT_LOCK = 0x636F6E74656E74
"""Seed of the advisory locks on a content: the bytes of 'content'."""

ItemStatus = Literal["stored", "queued", "processing", "published", "failed", "cancelled"]
ItemOrder = Literal["newest", "oldest", "title", "longest"]


class Blob(Base):
    """Bytes under a key in storage. A key without a row is swept; a row without bytes says when they were removed."""

    __tablename__ = "blobs"
    __table_args__ = (
        Index(
            "ix_blobs_account_id_size_bytes",
            "account_id",
            "size_bytes",
            postgresql_where=text("account_id IS NOT NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    """Whose plan the bytes count for; None for what goes by itself, or was removed."""
    removed_at: Mapped[datetime | None]
    """When the bytes were removed although their item stays; None: they are there."""
    created_at: Mapped[CreatedAt]


class Item(Base):
    """One piece of audio with its metadata and where it stands."""

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint(
            "status IN ('stored', 'queued', 'processing', 'published', 'failed', 'cancelled')", name="status"
        ),
        Index("ix_items_dataset_id_id", "dataset_id", "id"),
        Index("ix_items_came_out_at", text("coalesce(publish_date, published_at)")),
        Index("ix_items_error_code", "error_code", postgresql_where=text("error_code IS NOT NULL")),
        Index("ix_items_temporary", "id", postgresql_where=text("keep_seconds IS NOT NULL")),
        Index("ix_items_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index("ix_items_audio_expires_at", "audio_expires_at", postgresql_where=text("audio_expires_at IS NOT NULL")),
        Index(
            "ix_items_transcript_expires_at",
            "transcript_expires_at",
            postgresql_where=text("transcript_expires_at IS NOT NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    title: Mapped[str]
    description: Mapped[str | None]
    source_type: Mapped[str] = mapped_column(server_default="upload")
    source_url: Mapped[str | None]
    publish_date: Mapped[datetime | None]
    """When its publisher brought it out, by the word of its feed."""
    original_filename: Mapped[str | None]
    status: Mapped[ItemStatus] = mapped_column(Text)
    audio_blob_id: Mapped[int] = mapped_column(ForeignKey("blobs.id"), index=True)
    decoded_blob_id: Mapped[int | None] = mapped_column(ForeignKey("blobs.id"), index=True)
    transcript_id: Mapped[int | None] = mapped_column(
        ForeignKey("transcripts.id", ondelete="SET NULL", use_alter=True), index=True
    )
    duration_seconds: Mapped[float | None]
    language: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What its upload asked of the stages; every run of the item starts with it."""
    upload_abandoned: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its upload was broken off and never taken up again, so that it holds a beginning only."""
    keep_seconds: Mapped[float | None]
    """Seconds for which a temporary item stays after its work has ended; None: until somebody deletes it."""
    expires_at: Mapped[datetime | None]
    """Its own deadline, after which it is deleted; None: that of its dataset."""
    audio_expires_at: Mapped[datetime | None]
    """The same of its audio alone."""
    transcript_expires_at: Mapped[datetime | None]
    """The same of its transcript alone."""
    transcript_removed_at: Mapped[datetime | None]
    """When its transcript was removed although the item stays; None: it was not, or there is one again."""
    legal_hold: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it may not be deleted, by anybody and at any deadline."""
    error_code: Mapped[str | None]
    error_stage: Mapped[str | None]
    error_message: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    published_at: Mapped[datetime | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemView:
    """An item as one account sees it."""

    item: Item
    library: Library
    role: str | None
    redaction: dict[str, Any] | None
    """The policy of its dataset, if that has one."""
    chapters_by_model: bool
    """Whether its dataset lets a language model write of it."""


# Made once: every read of an item asks it.
_VIEW_ITEM = (
    select(Item, Library, LibraryMember.role, Dataset.redaction, Dataset.chapters_by_model)
    .join(Dataset, Dataset.id == Item.dataset_id)
    .join(Library, Library.id == Dataset.library_id)
    .outerjoin(
        LibraryMember,
        (LibraryMember.library_id == Library.id)
        & (LibraryMember.account_id == bindparam("account_id", type_=BigInteger)),
    )
    .where(Item.id == bindparam("item_id"))
)


async def create_blob(
    session: AsyncSession, *, key: str, size_bytes: int, sha256: str, account_id: int | None = None
) -> Blob:
    """Record bytes that are durable in storage, and whose plan they count for."""
    blob = Blob(key=key, size_bytes=size_bytes, sha256=sha256, account_id=account_id)
    session.add(blob)
    await session.flush()
    return blob


async def create_item(session: AsyncSession, **columns: object) -> Item:
    """Make an item from its columns."""
    item = Item(**columns)
    session.add(item)
    await session.flush()
    return item


async def change_item(session: AsyncSession, item: Item, **columns: object) -> None:
    """Write other values into columns of an item."""
    await set_columns(session, item, columns)


async def set_decoded(session: AsyncSession, item: Item, *, decoded: Blob, duration_seconds: float) -> None:
    """Give an item its decoded audio and the duration found in it, in place of what a run without an end left."""
    former_id = item.decoded_blob_id
    await set_columns(session, item, {"decoded_blob_id": decoded.id, "duration_seconds": duration_seconds})
    if former_id is not None:  # the sweep takes bytes that no row names
        await delete_blob(session, former_id)


async def set_upload_abandoned(session: AsyncSession, item_id: int) -> None:
    """Note that an item holds what had arrived of an upload that was never taken up again."""
    await session.execute(update(Item).where(Item.id == item_id).values(upload_abandoned=True))


async def drop_decoded(session: AsyncSession, item: Item) -> None:
    """Forget an item's decoded audio; its bytes may be deleted after the commit."""
    former_id = item.decoded_blob_id
    await set_columns(session, item, {"decoded_blob_id": None})
    if former_id is not None:
        await delete_blob(session, former_id)


async def get_blob(session: AsyncSession, blob_id: int) -> Blob | None:
    """Return one blob by its id."""
    return await session.get(Blob, blob_id)


async def get_item(session: AsyncSession, item_id: int) -> Item | None:
    """Return one item by its id, whoever may see it."""
    return await session.get(Item, item_id)


async def ids_in_dataset(
    session: AsyncSession,
    dataset_id: int,
    *,
    after_id: int = 0,
    limit: int | None = None,
    among_ids: Collection[int] | None = None,
    published_only: bool = False,
) -> list[int]:
    """The ids of a dataset's items in order: the first ``limit`` after an id, all or only some of those given."""
    wanted = select(Item.id).where(Item.dataset_id == dataset_id, Item.id > after_id)
    if among_ids is not None:
        wanted = wanted.where(among(Item.id, among_ids))
    if published_only:
        wanted = wanted.where(Item.status == "published")
    return list(await session.scalars(wanted.order_by(Item.id).limit(limit)))


async def file_names(session: AsyncSession, item_ids: Collection[int]) -> dict[int, str | None]:
    """Return the names of the files that items were made of, by the items' ids."""
    rows = await session.execute(select(Item.id, Item.original_filename).where(among(Item.id, item_ids)))
    return {row[0]: row[1] for row in rows}


async def view_item(session: AsyncSession, *, item_id: int, account_id: int) -> ItemView | None:
    """Return an item with the caller's role, or None where there is no such item."""
    row = (await session.execute(_VIEW_ITEM, {"item_id": item_id, "account_id": account_id})).one_or_none()
    return (
        None
        if row is None
        else ItemView(item=row[0], library=row[1], role=row[2], redaction=row[3], chapters_by_model=row[4])
    )


async def lock_item(session: AsyncSession, item_id: int) -> None:
    """Let nobody else change what is done with an item until the transaction ends."""
    await session.execute(select(Item.id).where(Item.id == item_id).with_for_update())


async def known_blob_keys(session: AsyncSession, keys: list[str]) -> set[str]:
    """Return those of the given storage keys whose bytes have a row."""
    return set(await session.scalars(select(Blob.key).where(Blob.key.in_(keys), Blob.removed_at.is_(None))))


async def find_content(session: AsyncSession, *, dataset_id: int, sha256: str) -> int | None:
    """Return the oldest item of the dataset with these bytes."""
    query = select(func.min(Item.id)).join(Blob, Blob.id == Item.audio_blob_id)
    return await session.scalar(query.where(Item.dataset_id == dataset_id, Blob.sha256 == sha256))


async def lock_content(session: AsyncSession, *, dataset_id: int, sha256: str) -> int | None:
    """Return the same; nobody else learns that there is none until the transaction ends."""
    key = func.hashtextextended(f"{dataset_id} {sha256}", CONTENT_LOCK)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    return await find_content(session, dataset_id=dataset_id, sha256=sha256)


async def delete_blob(session: AsyncSession, blob_id: int) -> str | None:
    """Forget a blob's row; returns the key whose bytes may now be deleted."""
    blob = await session.get(Blob, blob_id)
    if blob is None:
        return None
    await session.delete(blob)
    await session.flush()
    return blob.key


async def delete_item(session: AsyncSession, item_id: int, cause: Cause = receipts.BY_REQUEST) -> list[str]:
    """Forget an item with all that belongs to it, and write a receipt; returns the keys whose bytes may be deleted after the commit.

    Raises LegalHold where it is held.
    """
    return await _delete_items(session, Item.id == item_id, cause)


async def delete_items_of(session: AsyncSession, dataset_id: int, cause: Cause = receipts.BY_REQUEST) -> list[str]:
    """Forget all items of a dataset likewise."""
    return await _delete_items(session, Item.dataset_id == dataset_id, cause)


def is_held() -> ColumnElement[bool]:
    """Return whether an item, or the dataset that it is in, may not be deleted."""
    held_dataset = select(Dataset.id).where(Dataset.id == Item.dataset_id, Dataset.legal_hold)
    return Item.legal_hold | held_dataset.correlate(Item).exists()


def deadline() -> ColumnElement[datetime | None]:
    """Return when an item is deleted: at its own deadline, or else so long after its publishing as its dataset says."""
    return _deadline(Item.expires_at, Dataset.delete_after_days)


def audio_deadline() -> ColumnElement[datetime | None]:
    """Return when the audio of an item is removed, likewise; also where it was."""
    return _deadline(Item.audio_expires_at, Dataset.delete_audio_after_days)


def transcript_deadline() -> ColumnElement[datetime | None]:
    """Return when the transcript of an item is removed, likewise; also where it was."""
    return _deadline(Item.transcript_expires_at, Dataset.delete_transcript_after_days)


def _deadline(
    own: InstrumentedAttribute[datetime | None], of_dataset: InstrumentedAttribute[int | None]
) -> ColumnElement[datetime | None]:
    days = select(of_dataset).where(Dataset.id == Item.dataset_id).correlate(Item).scalar_subquery()
    return func.coalesce(own, Item.published_at + func.make_interval(0, 0, 0, cast(days, Integer)))


async def require_unheld(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """Raise LegalHold where one of the items is held."""
    held_id = await session.scalar(select(Item.id).where(which, is_held()).order_by(Item.id).limit(1))
    if held_id is not None:
        raise LegalHold(
            f"Item {held_id} is under legal hold, and cannot be deleted until an owner of its library lifts it."
        )


async def _delete_items(session: AsyncSession, which: ColumnElement[bool], cause: Cause) -> list[str]:
    """Forget items. Raises LegalHold where one of them is held; none is then forgotten."""
    locked = await session.scalars(select(Item.id).where(which).order_by(Item.id).with_for_update())
    ids = locked.all()
    await require_unheld(session, which)
    keys: list[str] = []
    for start in range(0, len(ids), DELETE_BATCH_ROWS):
        batch = ids[start : start + DELETE_BATCH_ROWS]
        gone = await gone_with(session, batch)
        rows = await session.execute(
            delete(Item).where(among(Item.id, batch)).returning(Item.audio_blob_id, Item.decoded_blob_id)
        )
        blob_ids = [blob_id for row in rows for blob_id in row if blob_id is not None]
        await session.execute(delete(Blob).where(among(Blob.id, blob_ids)))
        await forget_quotations(session, batch)
        await receipts.write(session, gone, cause)
        keys += [key for one in gone for key in one.keys]
    return keys


async def gone_with(session: AsyncSession, ids: Sequence[int]) -> list[Gone]:
    """Return what is there of items that are about to go, in whole or in part."""
    audio, decoded = aliased(Blob), aliased(Blob)
    rows = await session.execute(
        select(Item.id, Item.dataset_id, Library.id, Library.owner_account_id, Item.created_at)
        .add_columns(audio.sha256, audio.size_bytes)
        .add_columns(case((audio.removed_at.is_(None), audio.key)), decoded.key)
        .join(Dataset, Dataset.id == Item.dataset_id)
        .join(Library, Library.id == Dataset.library_id)
        .join(audio, audio.id == Item.audio_blob_id)
        .outerjoin(decoded, decoded.id == Item.decoded_blob_id)
        .where(among(Item.id, ids))
        .order_by(Item.id)
    )
    counts = await count_rows(session, ids)
    return [
        Gone(
            item_id=item_id,
            dataset_id=dataset_id,
            library_id=library_id,
            owner_account_id=owner_id,
            uploaded_at=uploaded_at,
            sha256=sha256,
            size_bytes=size,
            keys=[key for key in keys if key is not None],
            rows=counts[item_id],
        )
        for item_id, dataset_id, library_id, owner_id, uploaded_at, sha256, size, *keys in rows
    ]


def came_out_at() -> ColumnElement[datetime]:
    """Return when an item came out: by its publisher's word, or else when it was published here."""
    return func.coalesce(Item.publish_date, Item.published_at)


async def dataset_of_item(session: AsyncSession, item_id: int) -> Dataset | None:
    """Return the dataset an item belongs to."""
    return await session.scalar(select(Dataset).join(Item, Item.dataset_id == Dataset.id).where(Item.id == item_id))
