"""Alerts as their owners change them: made with a query that is understood, and with somebody to tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.alerts.digests import Digests
from echoic.db.accounts import accounts
from echoic.db.outbox import alerts, webhooks
from echoic.db.outbox.alerts import Alert, Frequency
from echoic.db.outbox.email_addresses import EmailAddress
from echoic.db.outbox.webhooks import Webhook
from echoic.errors import AlertLimitReached, AlertNotFound, FieldInvalid
from echoic.outbox.mailboxes import keep_address
from echoic.outbox.webhooks import Outbox, own_webhook
from echoic.search.run import read_query

MAX_ALERTS = 200
"""Of one account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The receivers of an alert, as a request names them."""

    webhook_url: str | None = None
    webhook_id: int | None = None
    email_recipient: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receivers:
    """The receivers of an alert."""

    webhook: Webhook | None
    secret: str | None
    """Of a webhook that was made for it."""
    address: EmailAddress | None

    @property
    def columns(self) -> dict[str, int | None]:
        """Return them as columns of an alert."""
        return {
            "webhook_id": None if self.webhook is None else self.webhook.id,
            "address_id": None if self.address is None else self.address.id,
        }


class Alerts:
    """The alerts of all accounts."""

    def __init__(self, outbox: Outbox, digests: Digests) -> None:
        self._outbox = outbox
        self.digests = digests

    async def create(
        self,
        session: AsyncSession,
        caller: Caller,
        *,
        query: str,
        name: str | None = None,
        filters: Mapping[str, Any],
        told: Told,
        frequency: Frequency = "at_once",
        active: bool = True,
    ) -> tuple[Alert, Receivers]:
        """Save a query.

        Raises QueryInvalid, AlertLimitReached, FieldInvalid where nobody is to be told, and what ``_receivers`` raises.
        """
        read_query(query)
        # Before the session has a connection: alerts made at once would hold all of them while each waits for one more.
        await self._outbox.make_ready()
        await accounts.lock_account(session, caller.account_id)
        if await alerts.count(session, caller.account_id) >= MAX_ALERTS:
            raise AlertLimitReached(f"An account has {MAX_ALERTS} alerts at most; delete one first.")
        receivers = await self._receivers(session, caller, told)
        alert = await alerts.create(
            session,
            account_id=caller.account_id,
            name=name,
            query=query,
            filters=filters,
            frequency=frequency,
            **receivers.columns,
        )
        await alerts.set_active(session, alert, active=active)
        if frequency == "daily":
            await self.digests.ensure_plan(session, caller.account_id)
        return alert, receivers

    async def change(
        self,
        session: AsyncSession,
        caller: Caller,
        alert: Alert,
        *,
        told: Told | None,
        active: bool | None = None,
        **columns: Any,
    ) -> str | None:
        """Change an alert; returns the secret of a webhook that was made for it. ``told`` is all who are to be told from now on.

        ``active``: False pauses it, True has it look from now on, None leaves it as it is.

        Raises as ``create``.
        """
        secret, former = None, alert.webhook_id
        if told is not None:
            receivers = await self._receivers(session, caller, told)
            columns |= {**receivers.columns, "mail_stopped_at": None}
            secret = receivers.secret
        await alerts.change(session, alert, **columns)
        if active is not None:
            await alerts.set_active(session, alert, active=active)
        if told is not None and former != alert.webhook_id:
            await alerts.forget_unneeded(session, former)
        if alert.frequency == "daily":
            await self.digests.ensure_plan(session, caller.account_id)
        return secret

    async def _receivers(self, session: AsyncSession, caller: Caller, told: Told) -> Receivers:
        """Return those whom a request names.

        Raises FieldInvalid, WebhookUrlInvalid, UrlForbidden, WebhookNotFound, WebhookLimitReached, EmailNotSetUp,
        EmailAddressInvalid, EmailAddressLimitReached, RateLimited.
        """
        if told.webhook_url is not None and told.webhook_id is not None:
            raise FieldInvalid("Give either 'webhook_url' or 'webhook_id', not both.")
        if told == Told():
            raise FieldInvalid(
                "Give 'webhook_url', an https address, 'webhook_id', one of your webhooks, or 'email_recipient'."
            )
        webhook, secret, address = None, None, None
        if told.email_recipient is not None:
            self._outbox.require_mail()
            address = await keep_address(session, caller, told.email_recipient)
        if told.webhook_id is not None:
            webhook = await own_webhook(session, caller, told.webhook_id)
        elif told.webhook_url is not None:
            webhook, secret = await self._webhook_for(session, caller, told.webhook_url)
        return Receivers(webhook=webhook, secret=secret, address=address)

    async def _webhook_for(self, session: AsyncSession, caller: Caller, url: str) -> tuple[Webhook, str | None]:
        """Return the webhook for alerts to an address: the account's, or a new one with its secret."""
        wanted = self._outbox.normal_url(url)
        # Requests at once would make a webhook each for the same address.
        await accounts.lock_account(session, caller.account_id)
        known = await alerts.webhook_for(session, account_id=caller.account_id, url=wanted)
        if known is not None:
            return known, None
        made, secret = await self._outbox.create(session, caller, url=url, events=())
        await webhooks.change(session, made, for_alerts=True)
        return made, secret


async def own_alert(session: AsyncSession, caller: Caller, alert_id: int) -> Alert:
    """Return an alert of the caller, locked. Raises AlertNotFound."""
    row = await alerts.find(session, account_id=caller.account_id, alert_id=alert_id)
    if row is None:
        raise AlertNotFound
    return row
