"""Alerts: saved queries that speak up where something new matches, and what they have told already."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Text,
    any_,
    delete as delete_rows,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey, among, set_columns
from echoic.db.outbox.deliveries import NEW_ID, Delivery
from echoic.db.outbox.email_addresses import EmailAddress
from echoic.db.outbox.rights import ALERT
from echoic.db.outbox.webhooks import Webhook

Frequency = Literal["at_once", "daily"]
"""``daily``: what it finds is told with that of other alerts, once a day."""
Span = tuple[float, float]
"""Seconds of a recording from and to."""


class Alert(Base):
    """A saved query of an account."""

    __tablename__ = "alerts"
    __table_args__ = (CheckConstraint("frequency IN ('at_once', 'daily')", name="frequency"),)

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    name: Mapped[str | None]
    query: Mapped[str]
    filters: Mapped[dict[str, Any]]
    """Values by the names of the search's own filters."""
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhooks.id", ondelete="SET NULL"), index=True)
    address_id: Mapped[int | None] = mapped_column(ForeignKey("email_addresses.id", ondelete="SET NULL"), index=True)
    mail_stopped_at: Mapped[datetime | None]
    """The time at which the owner of the address asked for no more mail of this alert; None: they did not."""
    frequency: Mapped[Frequency] = mapped_column(Text, server_default="at_once")
    active_since: Mapped[datetime | None] = mapped_column(server_default=func.now())
    """The time since which it looks: when it was made, or last resumed; None: it is paused."""
    created_at: Mapped[CreatedAt]


class ToldMatches(Base):
    """The stretches of an item that an alert has told of."""

    __tablename__ = "alert_told"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, index=True)
    spans: Mapped[list[list[float]]] = mapped_column(ARRAY(Double, dimensions=2))


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of the messages of an alert."""

    total: int = 0
    delivered: int = 0
    failed: int = 0
    last: datetime | None = None
    """The time when the last one was delivered."""


async def still_active(session: AsyncSession, alert_ids: Collection[int]) -> set[int]:
    """Return those of the alerts that are there and not paused."""
    wanted = select(Alert.id).where(among(Alert.id, alert_ids), Alert.active_since.is_not(None))
    return set(await session.scalars(wanted))


async def told_spans(session: AsyncSession, alert_id: int, item_id: int) -> list[Span]:
    """Return the stretches of an item that an alert has told of."""
    row = await session.get(ToldMatches, (alert_id, item_id))
    return [] if row is None else [(start, end) for start, end in row.spans]


async def note_told(session: AsyncSession, alert_id: int, item_id: int, spans: Sequence[Span]) -> None:
    """Write down all stretches of an item that an alert has told of; those of an alert that is gone are left out."""
    there = await session.scalar(select(Alert.id).where(Alert.id == alert_id).with_for_update(key_share=True))
    if there is not None:
        made = upsert(ToldMatches).values(alert_id=alert_id, item_id=item_id, spans=[list(span) for span in spans])
        await session.execute(
            made.on_conflict_do_update(
                index_elements=[ToldMatches.alert_id, ToldMatches.item_id], set_={"spans": made.excluded.spans}
            )
        )


async def tell(session: AsyncSession, alert: Alert, *, dataset_id: int, body: str) -> None:
    """Put a message of an alert into the outbox: for its webhook, its address, and the webhooks that want all alerts."""
    wants_all = (literal(ALERT) == any_(Webhook.events)) & or_(
        Webhook.dataset_id.is_(None), Webhook.dataset_id == dataset_id
    )
    receivers = (
        select(
            NEW_ID,
            Webhook.account_id,
            Webhook.id,
            literal(dataset_id),
            literal(ALERT),
            literal(body),
            literal(alert.id),
        )
        .where(Webhook.account_id == alert.account_id, Webhook.disabled_at.is_(None))
        .where(or_(Webhook.id == alert.webhook_id, wants_all))
        .with_for_update(of=Webhook, read=True, key_share=True, skip_locked=True)
    )
    columns = [Delivery.id, Delivery.account_id, Delivery.webhook_id, Delivery.dataset_id, Delivery.type, Delivery.body]
    await session.execute(insert(Delivery).from_select([*columns, Delivery.alert_id], receivers))
    if alert.address_id is None or alert.mail_stopped_at is not None:
        return
    addressed = select(
        NEW_ID,
        EmailAddress.account_id,
        EmailAddress.id,
        literal(dataset_id),
        literal(ALERT),
        literal(body),
        literal(alert.id),
    ).where(EmailAddress.id == alert.address_id, EmailAddress.state == "confirmed")
    columns[2] = Delivery.address_id
    await session.execute(insert(Delivery).from_select([*columns, Delivery.alert_id], addressed))


async def create(
    session: AsyncSession,
    *,
    account_id: int,
    name: str | None,
    query: str,
    filters: Mapping[str, Any],
    webhook_id: int | None,
    address_id: int | None = None,
    frequency: Frequency = "at_once",
) -> Alert:
    """Save a query."""
    row = Alert(
        account_id=account_id,
        name=name,
        query=query,
        filters=dict(filters),
        webhook_id=webhook_id,
        address_id=address_id,
        frequency=frequency,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def find(session: AsyncSession, *, account_id: int, alert_id: int) -> Alert | None:
    """Return an alert of an account, locked; None where it has no such one."""
    wanted = select(Alert).where(Alert.id == alert_id, Alert.account_id == account_id)
    return await session.scalar(wanted.with_for_update(key_share=True))


async def list_own(
    session: AsyncSession, account_id: int, *, limit: int, offset: int
) -> list[tuple[Alert, Webhook | None, EmailAddress | None]]:
    """Return an account's alerts with their webhooks and addresses, the oldest first."""
    rows = await session.execute(
        select(Alert, Webhook, EmailAddress)
        .outerjoin(Webhook, Webhook.id == Alert.webhook_id)
        .outerjoin(EmailAddress, EmailAddress.id == Alert.address_id)
        .where(Alert.account_id == account_id)
        .order_by(Alert.id)
        .limit(limit)
        .offset(offset)
    )
    return [(alert, webhook, address) for alert, webhook, address in rows]


async def count(session: AsyncSession, account_id: int) -> int:
    """Return how many alerts an account has."""
    return await session.scalar(select(func.count()).where(Alert.account_id == account_id)) or 0


async def change(session: AsyncSession, alert: Alert, **columns: object) -> None:
    """Write other values into columns of an alert."""
    await set_columns(session, alert, columns)


async def set_active(session: AsyncSession, alert: Alert, *, active: bool) -> None:
    """Pause an alert or have it look from now on; nothing where it is so already."""
    if active != (alert.active_since is not None):
        await set_columns(session, alert, {"active_since": func.now() if active else None})
        await session.refresh(alert)


async def delete(session: AsyncSession, alert: Alert) -> None:
    """Forget an alert, and the webhook that was made for it where no other alert tells it."""
    webhook_id = alert.webhook_id
    await session.delete(alert)
    await session.flush()
    await forget_unneeded(session, webhook_id)


async def forget_unneeded(session: AsyncSession, webhook_id: int | None) -> None:
    """Forget a webhook that was made for alerts where none of them tells it any more."""
    others = exists().where(Alert.webhook_id == webhook_id)
    await session.execute(delete_rows(Webhook).where(Webhook.id == webhook_id, Webhook.for_alerts, ~others))


async def address_of(session: AsyncSession, alert: Alert) -> EmailAddress | None:
    """Return the e-mail address that an alert tells."""
    return None if alert.address_id is None else await session.get(EmailAddress, alert.address_id)


async def mailed_to(session: AsyncSession, alert_id: int, address_id: int) -> bool:
    """Return whether mail of an alert still goes to an address."""
    mailed = (Alert.id == alert_id, Alert.address_id == address_id, Alert.mail_stopped_at.is_(None))
    return await session.scalar(select(Alert.id).where(*mailed)) is not None


async def stop_mail(session: AsyncSession, alert_id: int, address_id: int) -> None:
    """Send no more mail of an alert to an address, what waits included; nothing where it does not go there."""
    of_both = (Alert.id == alert_id, Alert.address_id == address_id)
    await session.execute(update(Alert).where(*of_both).values(mail_stopped_at=func.now()))
    await session.execute(
        update(Delivery)
        .where(Delivery.address_id == address_id, Delivery.alert_id == alert_id)
        .where(Delivery.state == "waiting", Delivery.lease.is_(None))
        .values(state="withheld", ended_at=func.now())
    )


async def webhook_for(session: AsyncSession, *, account_id: int, url: str) -> Webhook | None:
    """Return the webhook of an account that was made for alerts to an address."""
    wanted = (Webhook.account_id == account_id, Webhook.url == url, Webhook.for_alerts)
    return await session.scalar(select(Webhook).where(*wanted).order_by(Webhook.id).limit(1))


async def stats_of(session: AsyncSession, alert_ids: Collection[int]) -> dict[int, Stats]:
    """Return the figures of alerts that have sent anything in the last days."""
    rows = await session.execute(
        select(
            Delivery.alert_id,
            func.count(),
            func.count().filter(Delivery.state == "delivered"),
            func.count().filter(Delivery.state == "failed"),
            func.max(Delivery.ended_at).filter(Delivery.state == "delivered"),
        )
        .where(Delivery.alert_id == any_(literal(list(alert_ids), ARRAY(BigInteger))))
        .group_by(Delivery.alert_id)
    )
    return {row[0]: Stats(*row[1:]) for row in rows if row[0] is not None}
