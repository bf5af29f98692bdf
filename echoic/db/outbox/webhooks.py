"""Webhooks: the addresses that an account wants to be told at, and of what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds, set_columns

EventType = Literal[
    "item.published",
    "item.failed",
    "item.deleted",
    "transcript.edited",
    "alert.matched",
    "feed.failed",
    "source.failed",
]
DisabledReason = Literal["by_owner", "failed", "gone"]
"""Why nothing is sent to a webhook: its owner wants it so; a delivery failed to its last attempt; it answered 410."""


class Webhook(Base):
    """An address that is told of events, with the secret that its messages are signed with."""

    __tablename__ = "webhooks"
    __table_args__ = (CheckConstraint("disabled_reason IN ('by_owner', 'failed', 'gone')", name="disabled_reason"),)

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    """The dataset whose events it is told of; None: those of all datasets in whose libraries the account is a member."""
    url: Mapped[str]
    description: Mapped[str | None]
    events: Mapped[list[str]]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    """Sealed: this module never sees what it signs with."""
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The secret before the present one, sealed; messages are signed with it as well until ``former_until``."""
    former_until: Mapped[datetime | None]
    for_alerts: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether it was made for alerts to its address, so that it goes with the last of them."""
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(Text)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


async def create(
    session: AsyncSession,
    *,
    account_id: int,
    dataset_id: int | None,
    url: str,
    description: str | None,
    events: Sequence[str],
    secret: bytes,
) -> Webhook:
    """Make a webhook."""
    row = Webhook(
        account_id=account_id,
        dataset_id=dataset_id,
        url=url,
        description=description,
        events=list(events),
        secret=secret,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def find(session: AsyncSession, *, account_id: int, webhook_id: int, lock: bool = False) -> Webhook | None:
    """Return a webhook of an account; None where it has no such webhook. A lock keeps no event from being written."""
    wanted = select(Webhook).where(Webhook.id == webhook_id, Webhook.account_id == account_id)
    return await session.scalar(wanted.with_for_update(key_share=True) if lock else wanted)


async def list_own(session: AsyncSession, account_id: int, *, limit: int, offset: int) -> tuple[list[Webhook], int]:
    """Return an account's webhooks, the oldest first, and how many there are."""
    rows = await session.scalars(
        select(Webhook).where(Webhook.account_id == account_id).order_by(Webhook.id).limit(limit).offset(offset)
    )
    return list(rows), await count(session, account_id)


async def count(session: AsyncSession, account_id: int) -> int:
    """Return how many webhooks an account has."""
    return await session.scalar(select(func.count()).where(Webhook.account_id == account_id)) or 0


async def change(session: AsyncSession, webhook: Webhook, **columns: object) -> None:
    """Write other values into columns of a webhook."""
    await set_columns(session, webhook, columns)


async def reload(session: AsyncSession, webhook: Webhook) -> None:
    """Read a webhook as it is now, after statements that changed it without its object."""
    await session.refresh(webhook)


async def rotate(session: AsyncSession, webhook: Webhook, *, secret: bytes, keep_seconds: float) -> None:
    """Give a webhook another secret; messages are signed with the present one as well for so long."""
    former = {"former_secret": webhook.secret, "former_until": in_seconds(keep_seconds)} if keep_seconds else {}
    await set_columns(session, webhook, {"former_secret": None, "former_until": None, **former, "secret": secret})
    await session.refresh(webhook)


async def delete(session: AsyncSession, webhook: Webhook) -> None:
    """Forget a webhook with its deliveries."""
    await session.delete(webhook)
    await session.flush()
