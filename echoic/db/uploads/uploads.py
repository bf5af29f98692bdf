"""Resumable uploads on their way in, and the parts in which their bytes lie in storage until they are whole.

Whoever adds bytes to an upload holds its *lease*, a random token with an end; every write is made only while the row
still carries the token, so that a request believed dead cannot write into its successor's work.
"""

import re
import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Uuid, and_, delete, func, not_, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds, is_free

UNFINISHED_LOCK = 0x756E66696E69
"""Sets locks on accounts' unfinished uploads apart from other locks."""

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class Upload(Base):
    """An item on its way in; once it is one, the row stays until it expires, to tell the item's id."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    size_bytes: Mapped[int | None]
    offset_bytes: Mapped[int] = mapped_column(server_default=text("0"))
    max_bytes: Mapped[int]
    given_metadata: Mapped[str | None]
    reject_duplicate: Mapped[bool] = mapped_column(server_default=text("false"))
    keeps_abandoned: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether what has arrived becomes an item where nobody takes the upload up again before it expires."""
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid())
    leased_until: Mapped[datetime | None]
    lease_wanted: Mapped[bool] = mapped_column(server_default=text("false"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]

    @property
    def is_whole(self) -> bool:
        """Return whether all bytes are there."""
        return self.offset_bytes == self.size_bytes


class UploadPart(Base):
    """Bytes of an upload that are durable in storage; the order of the ids is that of the bytes."""

    __tablename__ = "upload_parts"

    id: Mapped[PrimaryKey]
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    size_bytes: Mapped[int]


def is_upload_id(text: str) -> bool:
    """Return whether the text has the form of an upload's id."""
    return _UPLOAD_ID.fullmatch(text) is not None


async def create_upload(
    session: AsyncSession,
    *,
    dataset_id: int,
    account_id: int,
    size_bytes: int | None,
    max_bytes: int,
    given_metadata: str | None,
    reject_duplicate: bool,
    keeps_abandoned: bool,
    keep_seconds: float,
) -> Upload:
    """Make an upload without bytes, under an id that nobody can guess."""
    upload = Upload(
        id=uuid.uuid4().hex,
        dataset_id=dataset_id,
        account_id=account_id,
        size_bytes=size_bytes,
        max_bytes=max_bytes,
        given_metadata=given_metadata,
        reject_duplicate=reject_duplicate,
        keeps_abandoned=keeps_abandoned,
        expires_at=in_seconds(keep_seconds),
    )
    session.add(upload)
    await session.flush()
    await session.refresh(upload)
    return upload


async def lock_unfinished(session: AsyncSession, account_id: int) -> int:
    """Return the number of uploads under way of an account, without expired ones, locked until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(account_id), UNFINISHED_LOCK))))
    query = select(func.count()).select_from(Upload)
    under_way = query.where(Upload.account_id == account_id, Upload.item_id.is_(None), Upload.expires_at > func.now())
    return await session.scalar(under_way) or 0


async def find_upload(session: AsyncSession, *, upload_id: str, dataset_id: int, account_id: int) -> Upload | None:
    """Return an account's upload that has not expired."""
    return await session.scalar(
        select(Upload).where(
            Upload.id == upload_id,
            Upload.dataset_id == dataset_id,
            Upload.account_id == account_id,
            Upload.expires_at > func.now(),
        )
    )


async def take_lease(session: AsyncSession, upload_id: str, *, lease: uuid.UUID, seconds: float) -> Upload | None:
    """The upload, fresh, now under this lease; None where another one holds it, which is told that it is wanted."""
    taken = await session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, or_(Upload.lease.is_(None), Upload.leased_until < func.now()))
        .values(lease=lease, leased_until=in_seconds(seconds), lease_wanted=False)
        .returning(Upload)
        .execution_options(populate_existing=True)
    )
    if taken is None:
        await session.execute(update(Upload).where(Upload.id == upload_id).values(lease_wanted=True))
    return taken


async def renew_lease(session: AsyncSession, upload_id: str, *, lease: uuid.UUID, seconds: float) -> bool | None:
    """Hold the lease for longer; tells whether somebody else wants it, None where it is lost."""
    return await session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.lease == lease)
        .values(leased_until=in_seconds(seconds))
        .returning(Upload.lease_wanted)
    )


async def release_lease(session: AsyncSession, upload_id: str, *, lease: uuid.UUID) -> None:
    """Let others go on with the upload."""
    await session.execute(
        update(Upload).where(Upload.id == upload_id, Upload.lease == lease).values(lease=None, leased_until=None)
    )


async def set_size(session: AsyncSession, upload_id: str, *, lease: uuid.UUID, size_bytes: int) -> Upload | None:
    """Say how long the upload will be, where nobody said so yet; returns it, None where the lease is lost."""
    return await session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.lease == lease)
        .values(size_bytes=size_bytes)
        .returning(Upload)
        .execution_options(populate_existing=True)
    )


async def add_part(
    session: AsyncSession, upload_id: str, *, lease: uuid.UUID, key: str, size_bytes: int, keep_seconds: float
) -> Upload | None:
    """Append durable bytes; returns the upload with its new offset, None where the lease is lost."""
    upload = await session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.lease == lease)
        .values(offset_bytes=Upload.offset_bytes + size_bytes, expires_at=in_seconds(keep_seconds))
        .returning(Upload)
        .execution_options(populate_existing=True)
    )
    if upload is not None:
        session.add(UploadPart(upload_id=upload_id, key=key, size_bytes=size_bytes))
        await session.flush()
    return upload


async def list_parts(session: AsyncSession, upload_id: str) -> list[UploadPart]:
    """Return the parts of an upload in their order."""
    return list(
        await session.scalars(select(UploadPart).where(UploadPart.upload_id == upload_id).order_by(UploadPart.id))
    )


async def count_parts(session: AsyncSession, upload_id: str) -> int:
    """Return how many parts an upload has."""
    query = select(func.count()).select_from(UploadPart).where(UploadPart.upload_id == upload_id)
    return await session.scalar(query) or 0


async def finish_upload(
    session: AsyncSession, upload_id: str, *, lease: uuid.UUID, item_id: int, keep_seconds: float
) -> Upload | None:
    """Note which item the upload has become, and forget its parts; None where the lease is lost."""
    done = await session.scalar(
        update(Upload)
        .where(Upload.id == upload_id, Upload.lease == lease, Upload.item_id.is_(None))
        .values(item_id=item_id, expires_at=in_seconds(keep_seconds))
        .returning(Upload)
        .execution_options(populate_existing=True)
    )
    if done is not None:
        await session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    return done


async def delete_uploads(session: AsyncSession, upload_ids: Iterable[str]) -> list[str]:
    """Forget uploads, whoever is at work on them; returns the keys whose bytes may be deleted after the commit."""
    ids = list(upload_ids)
    # The uploads first: whoever adds a part to one of them has locked it, and its part is seen once it lets go.
    await session.execute(select(Upload.id).where(Upload.id.in_(ids)).order_by(Upload.id).with_for_update())
    keys = list(
        await session.scalars(delete(UploadPart).where(UploadPart.upload_id.in_(ids)).returning(UploadPart.key))
    )
    await session.execute(delete(Upload).where(Upload.id.in_(ids)))
    return keys


_IS_FREE = is_free(Upload.leased_until)
_IS_ABANDONED = and_(Upload.keeps_abandoned, Upload.item_id.is_(None), Upload.offset_bytes > 0)


async def list_abandoned(session: AsyncSession, *, limit: int) -> list[Upload]:
    """Uploads that have expired and of which the bytes that arrived are to be kept; the one that waits longest first."""
    waiting = select(Upload).where(Upload.expires_at < func.now(), _IS_FREE, _IS_ABANDONED)
    return list(await session.scalars(waiting.order_by(Upload.expires_at).limit(limit)))


async def list_expired(session: AsyncSession, *, limit: int) -> list[str]:
    """Return ids of uploads that have expired and that nobody is at work on, locked until the transaction ends.

    Abandoned ones whose bytes are to be kept are left out.
    """
    return list(
        await session.scalars(
            select(Upload.id)
            .where(Upload.expires_at < func.now(), _IS_FREE, not_(_IS_ABANDONED))
            .order_by(Upload.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


async def known_part_keys(session: AsyncSession, keys: list[str]) -> set[str]:
    """Return those of the given storage keys that are parts of an upload."""
    return set(await session.scalars(select(UploadPart.key).where(UploadPart.key.in_(keys))))
