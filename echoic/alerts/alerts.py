"""Alerts as their owners change them: made with a query that is understood, and with somebody to tell."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.accounts import accounts
from echoic.db.outbox import alerts, webhooks
from echoic.db.outbox.alerts import Alert
from echoic.db.outbox.webhooks import Webhook
from echoic.errors import AlertLimitReached, AlertNotFound, EmailNotSetUp, FieldInvalid
from echoic.outbox.webhooks import Outbox, own_webhook
from echoic.search.run import read_query

MAX_ALERTS = 200
"""Of one account."""


async def create(
    session: AsyncSession,
    outbox: Outbox,
    caller: Caller,
    *,
    query: str,
    name: str | None = None,
    filters: Mapping[str, Any],
    webhook_url: str | None = None,
    webhook_id: int | None = None,
    email_recipient: str | None = None,
) -> tuple[Alert, Webhook, str | None]:
    """Save a query; returns it, its webhook, and the secret of that where it was made for it.

    Raises QueryInvalid, FieldInvalid, WebhookUrlInvalid, UrlForbidden, WebhookNotFound, WebhookLimitReached, AlertLimitReached, EmailNotSetUp.
    """
    read_query(query)
    if email_recipient is not None:
        raise EmailNotSetUp
    if (webhook_url is None) == (webhook_id is None):
        raise FieldInvalid("Give 'webhook_url', an https address, or 'webhook_id', one of your webhooks.")
    await accounts.lock_account(session, caller.account_id)
    if await alerts.count(session, caller.account_id) >= MAX_ALERTS:
        raise AlertLimitReached(f"An account has {MAX_ALERTS} alerts at most; delete one first.")
    secret = None
    if webhook_id is not None:
        webhook = await own_webhook(session, caller, webhook_id)
    else:
        webhook, secret = await _webhook_for(session, outbox, caller, webhook_url or "")
    alert = await alerts.create(
        session, account_id=caller.account_id, name=name, query=query, filters=filters, webhook_id=webhook.id
    )
    return alert, webhook, secret


async def own_alert(session: AsyncSession, caller: Caller, alert_id: int) -> Alert:
    """Return an alert of the caller, locked. Raises AlertNotFound."""
    row = await alerts.find(session, account_id=caller.account_id, alert_id=alert_id)
    if row is None:
        raise AlertNotFound
    return row


async def _webhook_for(session: AsyncSession, outbox: Outbox, caller: Caller, url: str) -> tuple[Webhook, str | None]:
    """Return the webhook for alerts to an address: the account's, or a new one with its secret."""
    known = await alerts.webhook_for(session, account_id=caller.account_id, url=outbox.normal_url(url))
    if known is not None:
        return known, None
    made, secret = await outbox.create(session, caller, url=url, events=())
    await webhooks.change(session, made, for_alerts=True)
    return made, secret
