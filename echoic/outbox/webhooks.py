"""Webhooks as their owners change them: made with a secret that is shown once, given another, tried."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from echoic import access
from echoic.access import Caller
from echoic.db.accounts import accounts
from echoic.db.catalog import libraries
from echoic.db.connect import Database
from echoic.db.outbox import deliveries, telling, webhooks
from echoic.db.outbox.deliveries import Delivery
from echoic.db.outbox.webhooks import Webhook
from echoic.errors import (
    DatasetNotFound,
    DeliveryNotFound,
    DeliveryUnderWay,
    EmailNotSetUp,
    WebhookDisabled,
    WebhookLimitReached,
    WebhookNotFound,
)
from echoic.intake.egress import Egress
from echoic.outbox.addresses import checked_url
from echoic.outbox.mailing import Mailing
from echoic.outbox.sender import TEST, Sender
from echoic.outbox.signing import Sealer, new_secret

MAX_WEBHOOKS = 50
"""Of one account."""
ENDED = ("delivered", "failed", "withheld")


class Outbox:
    """The webhooks of all accounts, and what sends to them."""

    def __init__(self, database: Database, egress: Egress, mailing: Mailing | None = None) -> None:
        self._egress = egress
        self._sealer = Sealer(database)
        self.mailing = mailing
        """None: this server sends no e-mail."""
        self.sender = Sender(database, egress, self._sealer, mailing)

    def require_mail(self) -> Mailing:
        """Return the way mails are sent by. Raises EmailNotSetUp."""
        if self.mailing is None:
            raise EmailNotSetUp
        return self.mailing

    async def create(
        self,
        session: AsyncSession,
        caller: Caller,
        *,
        url: str,
        dataset_id: int | None = None,
        description: str | None = None,
        events: Sequence[str] = (),
    ) -> tuple[Webhook, str]:
        """Make a webhook; returns it and its secret, which is not shown again.

        Raises WebhookUrlInvalid, UrlForbidden, WebhookLimitReached, and DatasetNotFound where the caller is no member of its library.
        """
        address = checked_url(url, self._egress)
        secret = new_secret()
        # Before the session has a connection: the first secret of all is sealed with a key that takes one of its own.
        sealed = await self._sealer.seal(secret)
        if dataset_id is not None:
            await _require_member(session, caller, dataset_id)
        await accounts.lock_account(session, caller.account_id)
        if await webhooks.count(session, caller.account_id) >= MAX_WEBHOOKS:
            raise WebhookLimitReached(f"An account has {MAX_WEBHOOKS} webhooks at most; delete one first.")
        row = await webhooks.create(
            session,
            account_id=caller.account_id,
            dataset_id=dataset_id,
            url=str(address),
            description=description,
            events=events,
            secret=sealed,
        )
        return row, secret

    async def make_ready(self) -> None:
        """Have the key at hand that seals secrets, which takes a connection when it is made or first read."""
        await self._sealer.make_ready()

    def normal_url(self, url: str) -> str:
        """Return an address as it is kept. Raises WebhookUrlInvalid, UrlForbidden."""
        return str(checked_url(url, self._egress))

    async def change(
        self,
        session: AsyncSession,
        webhook: Webhook,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
        **columns: object,
    ) -> None:
        """Change a webhook; what is None stays. Raises WebhookUrlInvalid, UrlForbidden."""
        if url is not None:
            columns["url"] = str(checked_url(url, self._egress))
        if events is not None:
            columns["events"] = list(events)
        await webhooks.change(session, webhook, **columns)
        if enabled is True:
            await deliveries.enable(session, webhook.id)
        elif enabled is False:
            await deliveries.disable(session, webhook.id, "by_owner")
        await webhooks.reload(session, webhook)

    async def rotate(self, session: AsyncSession, webhook: Webhook, *, keep_seconds: float) -> str:
        """Give a webhook another secret and return it; messages are signed with the former one as well for so long."""
        secret = new_secret()
        await webhooks.rotate(session, webhook, secret=await self._sealer.seal(secret), keep_seconds=keep_seconds)
        return secret


async def own_webhook(session: AsyncSession, caller: Caller, webhook_id: int) -> Webhook:
    """Return a webhook of the caller, locked. Raises WebhookNotFound."""
    row = await webhooks.find(session, account_id=caller.account_id, webhook_id=webhook_id, lock=True)
    if row is None:
        raise WebhookNotFound
    return row


async def test(session: AsyncSession, webhook: Webhook) -> Delivery:
    """Send a message that tells of nothing, once. Raises WebhookDisabled."""
    _require_enabled(webhook)
    body = telling.body_of(TEST, {"webhook_id": webhook.id, "message": "This is a test."})
    return await deliveries.add(session, webhook, kind=TEST, body=body)


async def find_delivery(session: AsyncSession, webhook: Webhook, delivery_id: str, *, lock: bool = False) -> Delivery:
    """Return a message to a webhook. Raises DeliveryNotFound."""
    found = await deliveries.find(session, webhook.id, delivery_id, lock=lock)
    if found is None:
        raise DeliveryNotFound
    return found


async def send_again(session: AsyncSession, webhook: Webhook, delivery_id: str) -> Delivery:
    """Have a message sent again. Raises WebhookDisabled, DeliveryNotFound, DeliveryUnderWay."""
    delivery = await find_delivery(session, webhook, delivery_id, lock=True)
    _require_enabled(webhook)
    if delivery.state not in ENDED:
        raise DeliveryUnderWay
    await deliveries.send_again(session, delivery)
    return delivery


def _require_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        raise WebhookDisabled


async def _require_member(session: AsyncSession, caller: Caller, dataset_id: int) -> None:
    """Raise DatasetNotFound where the dataset is not there for the caller, or only as a public one."""
    view = await libraries.view_dataset(session, dataset_id=dataset_id, account_id=caller.account_id)
    if view is None or not access.sees_unpublished(view.role):
        raise DatasetNotFound
