"""The outbox: messages to be delivered, each with a body that never changes, and the attempts made.

A process takes a message with a lease and a token. Whatever it writes about the message checks the token, so a process
that was taken for dead can change nothing any more.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Text,
    Uuid,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from echoic.db.base import Base, CreatedAt, in_seconds, is_free
from echoic.db.connect import Database
from echoic.db.outbox import rights
from echoic.db.outbox.webhooks import DisabledReason, Webhook
from echoic.db.reads import Query

DeliveryState = Literal["waiting", "paused", "delivered", "failed", "withheld"]
"""``paused``: its webhook is disabled; ``withheld``: the account may not read any longer what the message tells."""

MAX_AT_ONCE_PER_RECEIVER = 2
"""So many messages to one webhook or e-mail address are on their way at a time, so that a slow one holds up no others."""
KEPT_DAYS = 30


NEW_ID = func.concat("msg_", func.replace(cast(func.gen_random_uuid(), Text), "-", ""))
"""Made by the database, a different one in each row."""


class Delivery(Base):
    """A message to one receiver."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'paused', 'delivered', 'failed', 'withheld')", name="state"),
        Index("ix_outbox_deliveries_due_at", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_outbox_deliveries_webhook_id_created_at", "webhook_id", "created_at"),
        Index("ix_outbox_deliveries_quoted_item_ids", "quoted_item_ids", postgresql_using="gin"),
        CheckConstraint("num_nonnulls(webhook_id, address_id) = 1", name="receiver"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    """Its receivers know it by this id: it is the same in every attempt."""
    account_id: Mapped[int]
    """Of the webhook or the e-mail address; it refers to nothing, so that a message waits for nobody who changes accounts or datasets."""
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    address_id: Mapped[int | None] = mapped_column(ForeignKey("email_addresses.id", ondelete="CASCADE"), index=True)
    """The e-mail address that it goes to, where it goes to no webhook."""
    dataset_id: Mapped[int | None]
    """The dataset that the message tells of, if it tells of one; it may be gone."""
    alert_id: Mapped[int | None] = mapped_column(index=True)
    """The alert that speaks, if one does; it may be gone."""
    type: Mapped[str]
    body: Mapped[str]
    quoted_item_ids: Mapped[list[int] | None] = mapped_column(
        ARRAY(BigInteger), Computed("echoic_quoted_items_v1(type, body)", persisted=True), deferred=True
    )
    """The items whose words the body quotes, by the database itself; None where messages of this type quote nothing."""
    state: Mapped[DeliveryState] = mapped_column(Text, server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    traceparent: Mapped[str | None]
    """The span in which the event happened; None where nothing was traced."""
    lease: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class Attempt(Base):
    """One attempt to deliver a message."""

    __tablename__ = "outbox_attempts"

    delivery_id: Mapped[str] = mapped_column(ForeignKey("outbox_deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[CreatedAt]
    """The time at which it ended."""
    seconds: Mapped[float]
    status: Mapped[int | None]
    """The status of the answer; None where there was none."""
    error: Mapped[str | None]
    """The code of what went wrong; None where the message was delivered."""
    response: Mapped[str | None]
    """The beginning of the answer's body."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """A webhook that a message goes to."""

    id: int
    url: str
    secret: bytes
    former_secret: bytes | None
    """None also where it is not to be signed with any longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A message that this process may send."""

    id: str
    lease: uuid.UUID
    account_id: int
    hook: Hook | None
    """None: it goes to an e-mail address."""
    address_id: int | None
    alert_id: int | None
    type: str
    body: str
    """Without what the account may not read any more."""
    attempts: int
    """The number of attempts before."""
    may_know: bool
    """Whether the account may still read what the message tells."""
    traceparent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """The outcome of an attempt."""

    seconds: float
    status: int | None = None
    error: str | None = None
    response: str | None = None


def _is_due(*, with_mail: bool) -> list[ColumnElement[bool]]:
    kinds = [] if with_mail else [Delivery.webhook_id.is_not(None)]
    return [Delivery.state == "waiting", Delivery.due_at <= func.now(), is_free(Delivery.leased_until), *kinds]


_ANY_DUE = {with_mail: Query(select(exists().where(*_is_due(with_mail=with_mail)))) for with_mail in (False, True)}


async def any_due(database: Database, *, with_mail: bool = False) -> bool:
    """Return whether a message is due that nobody is sending. Raises DatabaseUnavailable."""
    return await database.holds(_ANY_DUE[with_mail])


async def claim(session: AsyncSession, *, lease_seconds: float, with_mail: bool = False) -> Claimed | None:
    """Take the message that has been due for longest; None where none is due, or others are sending all that are."""
    other = aliased(Delivery)
    same_receiver = or_(other.webhook_id == Delivery.webhook_id, other.address_id == Delivery.address_id)
    under_way = (
        select(func.count())
        .where(same_receiver, other.state == "waiting", other.leased_until > func.now())
        .scalar_subquery()
    )
    delivery = await session.scalar(
        select(Delivery)
        .where(*_is_due(with_mail=with_mail))
        .where(under_way < MAX_AT_ONCE_PER_RECEIVER)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if delivery is None:
        return None
    delivery.lease = lease = uuid.uuid4()
    delivery.leased_until = in_seconds(lease_seconds)
    told = await rights.still_told(
        session,
        account_id=delivery.account_id,
        dataset_id=delivery.dataset_id,
        kind=delivery.type,
        body=delivery.body,
    )
    claimed = Claimed(
        id=delivery.id,
        lease=lease,
        account_id=delivery.account_id,
        hook=await _hook(session, delivery.webhook_id),
        address_id=delivery.address_id,
        alert_id=delivery.alert_id,
        type=delivery.type,
        body=told or "",
        attempts=delivery.attempts,
        may_know=told is not None,
        traceparent=delivery.traceparent,
    )
    await session.flush()
    return claimed


async def _hook(session: AsyncSession, webhook_id: int | None) -> Hook | None:
    webhook = None if webhook_id is None else await session.get(Webhook, webhook_id)
    if webhook is None:
        return None
    former = await session.scalar(select(Webhook.former_until > func.now()).where(Webhook.id == webhook.id))
    return Hook(
        id=webhook.id,
        url=webhook.url,
        secret=webhook.secret,
        former_secret=webhook.former_secret if former else None,
    )


async def held(session: AsyncSession, claimed: Claimed) -> Delivery | None:
    """Return a claimed message, locked; None where another process has taken it meanwhile, or it is gone."""
    return await session.scalar(
        select(Delivery).where(Delivery.id == claimed.id, Delivery.lease == claimed.lease).with_for_update()
    )


async def note_attempt(session: AsyncSession, delivery: Delivery, tried: Tried) -> None:
    """Add an attempt to a message."""
    delivery.attempts += 1
    session.add(
        Attempt(
            delivery_id=delivery.id,
            number=delivery.attempts,
            seconds=tried.seconds,
            status=tried.status,
            error=tried.error,
            response=tried.response,
        )
    )
    await session.flush()


async def wait(session: AsyncSession, delivery: Delivery, seconds: float) -> None:
    """Give the lease back and have the message sent again after so long."""
    delivery.lease = delivery.leased_until = None
    delivery.due_at = in_seconds(seconds)
    if await session.scalar(select(Webhook.disabled_at.is_not(None)).where(Webhook.id == delivery.webhook_id)):
        delivery.state = "paused"  # it was disabled while the message was on its way
    await session.flush()


async def end(session: AsyncSession, delivery: Delivery, state: Literal["delivered", "failed", "withheld"]) -> None:
    """Have a message sent no more."""
    delivery.lease = delivery.leased_until = None
    delivery.state = state
    delivery.ended_at = func.now()
    await session.flush()


async def disable(session: AsyncSession, webhook_id: int, reason: DisabledReason) -> bool:
    """Send nothing to a webhook any more, what waits included; False where it is disabled already."""
    changed = await session.scalar(
        update(Webhook)
        .where(Webhook.id == webhook_id, Webhook.disabled_at.is_(None))
        .values(disabled_at=func.now(), disabled_reason=reason)
        .returning(Webhook.id)
    )
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == "waiting", Delivery.lease.is_(None))
        .values(state="paused")
    )
    return changed is not None


async def enable(session: AsyncSession, webhook_id: int) -> None:
    """Send to a webhook again, beginning with what has waited."""
    await session.execute(
        update(Webhook).where(Webhook.id == webhook_id).values(disabled_at=None, disabled_reason=None)
    )
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == "paused")
        .values(state="waiting", due_at=func.now())
    )


async def list_of(
    session: AsyncSession, webhook_id: int, *, state: DeliveryState | None, limit: int, offset: int
) -> tuple[list[Delivery], int]:
    """Return the messages to a webhook, the newest first, and how many there are."""
    wanted = [Delivery.webhook_id == webhook_id, *([] if state is None else [Delivery.state == state])]
    total = await session.scalar(select(func.count()).select_from(Delivery).where(*wanted))
    order = (Delivery.created_at.desc(), Delivery.id)
    rows = await session.scalars(select(Delivery).where(*wanted).order_by(*order).limit(limit).offset(offset))
    return list(rows), total or 0


async def find(session: AsyncSession, webhook_id: int, delivery_id: str, *, lock: bool = False) -> Delivery | None:
    """Return a message to a webhook; None where there is no such one."""
    wanted = select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def attempts_of(session: AsyncSession, delivery_id: str) -> list[Attempt]:
    """Return the attempts to deliver a message, the first one first."""
    rows = await session.scalars(select(Attempt).where(Attempt.delivery_id == delivery_id).order_by(Attempt.number))
    return list(rows)


async def add(session: AsyncSession, webhook: Webhook, *, kind: str, body: str) -> Delivery:
    """Put a message to one webhook into the outbox."""
    row = Delivery(id=NEW_ID, account_id=webhook.account_id, webhook_id=webhook.id, type=kind, body=body)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def send_again(session: AsyncSession, delivery: Delivery) -> None:
    """Have a message that has ended sent again, under the same id, with all attempts before it."""
    delivery.state, delivery.ended_at, delivery.due_at = "waiting", None, func.now()
    await session.flush()
    await session.refresh(delivery)


async def forget_old(session: AsyncSession) -> int:
    """Delete the messages that ended long ago; returns how many."""
    gone = await session.scalars(
        delete(Delivery).where(Delivery.ended_at < in_seconds(-KEPT_DAYS * 86_400.0)).returning(Delivery.id)
    )
    return len(gone.all())
