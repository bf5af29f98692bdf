"""Idempotency keys: which request of an account has one, and what its answer was.

A request that is under way holds its key by a *lease*, a random token with an end; it writes only while the row still
carries the token, so that one believed dead cannot write into its successor's work.
"""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Uuid, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, in_seconds


class IdempotencyKey(Base):
    """A key and its request: under way as long as there is no item."""

    __tablename__ = "idempotency_keys"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    """What is known before the body: the call, its options, the kind of body."""
    lease: Mapped[uuid.UUID] = mapped_column(Uuid())
    content: Mapped[str | None]
    """Digest of everything else that the request said."""
    item_id: Mapped[int | None]
    """Not a foreign key: the first answer stays what it was when the item is deleted."""
    message: Mapped[str | None]
    valid_until: Mapped[datetime] = mapped_column(index=True)
    """End of the lease, or of the answer's life."""
    created_at: Mapped[CreatedAt]


async def take_key(
    session: AsyncSession, *, account_id: int, key: str, request: str, lease: uuid.UUID, seconds: float
) -> IdempotencyKey | None:
    """Take the key for a request under way, for so long; or the row that has it, which stays until the commit."""
    values = {
        "request": request,
        "lease": lease,
        "content": None,
        "item_id": None,
        "message": None,
        "valid_until": in_seconds(seconds),
        "created_at": func.now(),
    }
    taken = await session.scalar(
        insert(IdempotencyKey)
        .values(account_id=account_id, key=key, **values)
        .on_conflict_do_update(
            index_elements=["account_id", "key"], set_=values, where=IdempotencyKey.valid_until < func.now()
        )
        .returning(IdempotencyKey.lease)
    )
    if taken is not None:
        return None
    # The conflict has locked the row, so it is there.
    query = select(IdempotencyKey).where(IdempotencyKey.account_id == account_id, IdempotencyKey.key == key)
    return (await session.scalars(query)).one()


async def renew_key(session: AsyncSession, lease: uuid.UUID, *, account_id: int, key: str, seconds: float) -> bool:
    """Hold the key for longer; False where it is lost."""
    renewed = await session.scalar(
        update(IdempotencyKey)
        .where(_held(lease, account_id, key))
        .values(valid_until=in_seconds(seconds))
        .returning(IdempotencyKey.lease)
    )
    return renewed is not None


async def answer_key(
    session: AsyncSession,
    lease: uuid.UUID,
    *,
    account_id: int,
    key: str,
    content: str,
    item_id: int,
    message: str,
    keep_seconds: float,
) -> bool:
    """Keep the answer for so long; False where the key is lost."""
    answered = await session.scalar(
        update(IdempotencyKey)
        .where(_held(lease, account_id, key))
        .values(content=content, item_id=item_id, message=message, valid_until=in_seconds(keep_seconds))
        .returning(IdempotencyKey.lease)
    )
    return answered is not None


async def release_key(session: AsyncSession, lease: uuid.UUID, *, account_id: int, key: str) -> None:
    """Let the key be used again, unless its request was answered."""
    await session.execute(delete(IdempotencyKey).where(_held(lease, account_id, key)))


async def has_answered(session: AsyncSession, *, account_id: int, request: str) -> bool:
    """Return whether an answer to a request of the account is kept, under any key."""
    answered = select(IdempotencyKey.key).where(
        IdempotencyKey.account_id == account_id,
        IdempotencyKey.request == request,
        IdempotencyKey.item_id.is_not(None),
        IdempotencyKey.valid_until >= func.now(),
    )
    return await session.scalar(answered.limit(1)) is not None


async def forget_answer(session: AsyncSession, *, account_id: int, key: str, item_id: int) -> None:
    """Let a key be used again whose answer was this item."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.account_id == account_id, IdempotencyKey.key == key, IdempotencyKey.item_id == item_id
        )
    )


async def delete_expired_keys(session: AsyncSession) -> None:
    """Forget answers that have become too old, and requests that died."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.valid_until < func.now()))


def _held(lease: uuid.UUID, account_id: int, key: str) -> ColumnElement[bool]:
    return (
        (IdempotencyKey.account_id == account_id)
        & (IdempotencyKey.key == key)
        & (IdempotencyKey.lease == lease)
        & IdempotencyKey.item_id.is_(None)
    )
