"""Daily digests: what alerts have found since the last one, and when the next one is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, any_, delete as delete_rows, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.base import Base, CreatedAt, PrimaryKey
from echoic.db.connect import Database
from echoic.db.outbox.alerts import Alert
from echoic.db.outbox.deliveries import NEW_ID, Delivery
from echoic.db.outbox.email_addresses import EmailAddress
from echoic.db.outbox.rights import ALERT, DIGEST
from echoic.db.outbox.webhooks import Webhook
from echoic.db.reads import Query


class DigestPlan(Base):
    """The time at which an account gets its digests."""

    __tablename__ = "alert_digests"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    hour: Mapped[int | None]
    """Of its time zone; None: the hour of the settings."""
    time_zone: Mapped[str | None]
    """A name of the IANA time zone database; None: that of the settings."""
    next_at: Mapped[datetime] = mapped_column(index=True)
    told_at: Mapped[datetime | None]
    """The time of the last digest in which there was anything."""


class PendingMatches(Base):
    """Matches of an alert in an item that wait for the next digest."""

    __tablename__ = "alert_pending"

    id: Mapped[PrimaryKey]
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    dataset_id: Mapped[int]
    data: Mapped[dict[str, Any]]
    """What a message of the alert would have told."""
    created_at: Mapped[CreatedAt]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """A webhook or an e-mail address that digests of an account go to."""

    webhook_id: int | None = None
    address_id: int | None = None
    wants_all: bool = False
    """Whether it is told of all alerts, not only of those that name it."""
    dataset_id: int | None = None
    """The only dataset that it wants to be told of, where it is told of all alerts."""

    def wants(self, alert: Alert, dataset_id: int) -> bool:
        """Return whether matches of an alert in a dataset are for it."""
        if self.address_id is not None:
            return alert.address_id == self.address_id and alert.mail_stopped_at is None
        return alert.webhook_id == self.webhook_id or (self.wants_all and self.dataset_id in (None, dataset_id))


async def now(session: AsyncSession) -> datetime:
    """Return the time by the clock of the database, which all processes share."""
    moment: datetime = (await session.execute(select(func.now()))).scalar_one()
    return moment


async def keep(session: AsyncSession, alert: Alert, *, item_id: int, dataset_id: int, data: dict[str, Any]) -> None:
    """Put matches by for the next digest; those of an alert that is gone are left out."""
    there = await session.scalar(select(Alert.id).where(Alert.id == alert.id).with_for_update(key_share=True))
    if there is not None:
        session.add(PendingMatches(alert_id=alert.id, item_id=item_id, dataset_id=dataset_id, data=data))
        await session.flush()


async def plan_of(session: AsyncSession, account_id: int) -> DigestPlan | None:
    """Return the plan of an account, locked."""
    return await session.scalar(select(DigestPlan).where(DigestPlan.account_id == account_id).with_for_update())


async def put_plan(
    session: AsyncSession, account_id: int, *, hour: int | None, time_zone: str | None, next_at: datetime
) -> DigestPlan:
    """Set when an account gets its digests."""
    columns = {"hour": hour, "time_zone": time_zone, "next_at": next_at}
    made = upsert(DigestPlan).values(account_id=account_id, **columns)
    await session.execute(made.on_conflict_do_update(index_elements=[DigestPlan.account_id], set_=columns))
    return await session.get_one(DigestPlan, account_id, populate_existing=True)


_IS_DUE = DigestPlan.next_at <= func.now()
_ANY_DUE = Query(select(exists().where(_IS_DUE)))


async def any_due(database: Database) -> bool:
    """Return whether a digest is due. Raises DatabaseUnavailable."""
    return await database.holds(_ANY_DUE)


async def take_due(session: AsyncSession) -> DigestPlan | None:
    """Return a plan whose digest is due, locked: no other process makes it until the transaction ends."""
    due = select(DigestPlan).where(_IS_DUE).order_by(DigestPlan.next_at)
    return await session.scalar(due.limit(1).with_for_update(skip_locked=True))


async def take_pending(session: AsyncSession, account_id: int) -> list[tuple[Alert, PendingMatches]]:
    """Return what waits for an account's digest, the oldest first, and remove it."""
    rows = await session.execute(
        select(Alert, PendingMatches)
        .join(PendingMatches, PendingMatches.alert_id == Alert.id)
        .where(Alert.account_id == account_id)
        .order_by(PendingMatches.id)
        .with_for_update(of=PendingMatches)
    )
    found = [(alert, pending) for alert, pending in rows]
    ids = literal([pending.id for _, pending in found], ARRAY(BigInteger))
    await session.execute(delete_rows(PendingMatches).where(PendingMatches.id == any_(ids)))
    return found


async def receivers(session: AsyncSession, account_id: int, alerts: Collection[Alert]) -> Sequence[Receiver]:
    """Return the webhooks and e-mail addresses that these alerts of an account can be told to."""
    hooks = await session.scalars(
        select(Webhook)
        .where(Webhook.account_id == account_id, Webhook.disabled_at.is_(None))
        .order_by(Webhook.id)
        .with_for_update(read=True, key_share=True, skip_locked=True)
    )
    addresses = await session.scalars(
        select(EmailAddress.id).where(EmailAddress.account_id == account_id, EmailAddress.state == "confirmed")
    )
    named = {alert.address_id for alert in alerts}
    return [
        *(Receiver(webhook_id=hook.id, wants_all=ALERT in hook.events, dataset_id=hook.dataset_id) for hook in hooks),
        *(Receiver(address_id=address_id) for address_id in addresses if address_id in named),
    ]


async def tell(session: AsyncSession, account_id: int, receiver: Receiver, body: str) -> None:
    """Put a digest into the outbox."""
    session.add(
        Delivery(
            id=NEW_ID,
            account_id=account_id,
            webhook_id=receiver.webhook_id,
            address_id=receiver.address_id,
            type=DIGEST,
            body=body,
        )
    )
    await session.flush()


async def conclude(session: AsyncSession, plan: DigestPlan, *, next_at: datetime, told: bool) -> None:
    """Plan the next digest of an account."""
    columns: dict[str, Any] = {"next_at": next_at, **({"told_at": func.now()} if told else {})}
    await session.execute(update(DigestPlan).where(DigestPlan.account_id == plan.account_id).values(**columns))
