"""Sends what is due in the outbox. Any number of processes may do so at the same time, and any may be killed.

A message is sent at least once: a process that dies after it was received and before that was written down has it sent
again, under the same id.
"""

import asyncio
import time
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.connect import Database
from echoic.db.outbox import deliveries, email_addresses, telling
from echoic.db.outbox.deliveries import Claimed, Delivery, Hook, Tried
from echoic.db.outbox.email_addresses import EmailState
from echoic.db.outbox.webhooks import DisabledReason
from echoic.errors import SecretUnreadable, UrlForbidden, WebhookUrlInvalid
from echoic.intake.egress import Egress
from echoic.logs import get_logger
from echoic.outbox.addresses import checked_url
from echoic.outbox.mailing import WEBHOOK_DISABLED, Mailing
from echoic.outbox.post import WHOLE_SECONDS, Outcome, post
from echoic.outbox.schedule import MAX_ATTEMPTS, next_wait_seconds
from echoic.outbox.signing import Sealer, signature
from echoic.tracing import Value, span

INTERVAL_SECONDS = 1.0
"""Time between two looks for what is due."""
FORGET_INTERVAL_SECONDS = 3600.0
MAX_AT_ONCE = 4
"""So many messages a process sends at a time."""
LEASE_SECONDS = 3 * WHOLE_SECONDS
"""Nobody else takes a message meanwhile; three times what an attempt may last."""
GONE = 410
TEST = "webhook.test"
"""The type of the message by which a webhook is tried; it is sent once."""

logger = get_logger(__name__)


class Sender:
    """Sends messages from one process."""

    def __init__(self, database: Database, egress: Egress, sealer: Sealer, mailing: Mailing | None = None) -> None:
        self._database = database
        self._egress = egress
        self._sealer = sealer
        self._mailing = mailing

    async def send_due(self) -> bool:
        """Send all that is due now; returns whether anything was."""
        # Mostly nothing is, and four claims each second in every process were a third of what idle servers do.
        if not await deliveries.any_due(self._database, with_mail=self._mailing is not None):
            return False
        sent = await asyncio.gather(*(self._send_many() for _ in range(MAX_AT_ONCE)))
        return any(sent)

    async def forget_old(self) -> int:
        """Delete the messages that ended long ago."""
        async with self._database.transaction() as session:
            return await deliveries.forget_old(session)

    async def _send_many(self) -> bool:
        any_sent = False
        while await self._send_one():
            any_sent = True
        return any_sent

    async def _send_one(self) -> bool:
        async with self._database.transaction() as session:
            claimed = await deliveries.claim(session, lease_seconds=LEASE_SECONDS, with_mail=self._mailing is not None)
        if claimed is None:
            return False
        attributes: dict[str, Value] = {
            "echoic.event": claimed.type,
            "echoic.delivery_id": claimed.id,
            "echoic.attempt": claimed.attempts + 1,
        }
        with span("deliver", kind="client", parent=claimed.traceparent, attributes=attributes) as traced:
            outcome = await self._try(claimed) if claimed.may_know else None
            if outcome is not None and outcome.tried.status is not None:
                traced.note({"http.response.status_code": outcome.tried.status})
            if outcome is not None and not outcome.delivered:
                traced.fail(outcome.tried.error or "not_delivered")
            await self._note(claimed, outcome)
        return True

    async def _try(self, claimed: Claimed) -> Outcome | None:
        """Make one attempt; None where there is nothing to be told any more."""
        if claimed.hook is not None:
            return await self._post(claimed, claimed.hook)
        return None if self._mailing is None else await self._mailing.send(claimed)

    async def _post(self, claimed: Claimed, hook: Hook) -> Outcome:
        """Make one attempt; the signature is made for it, the body is as old as the event."""
        try:
            url = checked_url(hook.url, self._egress)
            sealed = [hook.secret, *([hook.former_secret] if hook.former_secret else [])]
            shown = [await self._sealer.open(one) for one in sealed]
        except (WebhookUrlInvalid, UrlForbidden, SecretUnreadable) as error:
            return Outcome(tried=Tried(seconds=0.0, error=error.code))
        body, now = claimed.body.encode(), int(time.time())
        headers = {
            "webhook-id": claimed.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(shown, message_id=claimed.id, timestamp=now, body=body),
        }
        return await post(url, body, headers, egress=self._egress)

    async def _note(self, claimed: Claimed, outcome: Outcome | None) -> None:
        """Write down what became of a message, where it is still this process's; None: it may not be told any more."""
        async with self._database.transaction() as session:
            delivery = await deliveries.held(session, claimed)
            if delivery is None:
                logger.warning("delivery_taken_over", delivery=claimed.id)
                return
            if outcome is None:
                await deliveries.end(session, delivery, "withheld")
                return
            tried = outcome.tried
            await deliveries.note_attempt(session, delivery, tried)
            if outcome.delivered:
                await deliveries.end(session, delivery, "delivered")
                return
            logger.info("delivery_failed", delivery=claimed.id, status=tried.status, error=tried.error)
            given_up = outcome.is_final or tried.status == GONE or claimed.type == TEST
            wait = None if given_up else next_wait_seconds(delivery.attempts, outcome.retry_after_seconds)
            if wait is not None:
                await deliveries.wait(session, delivery, wait)
                return
            await deliveries.end(session, delivery, "failed")
            if claimed.hook is None:
                await self._end_address(session, delivery, outcome)
            else:
                await self._end_hook(session, delivery, claimed.hook, tried)

    async def _end_address(self, session: AsyncSession, delivery: Delivery, outcome: Outcome) -> None:
        """Send nothing more to an address that was refused, or to which a mail failed to its last attempt."""
        if delivery.address_id is not None:
            state: EmailState = "refused" if outcome.is_final else "failed"
            await email_addresses.end(session, delivery.address_id, state, reason=outcome.tried.response or None)
            logger.warning("email_address_ended", address=delivery.address_id, state=state)

    async def _end_hook(self, session: AsyncSession, delivery: Delivery, hook: Hook, tried: Tried) -> None:
        """Disable a webhook that is gone, or to which a message failed to its last attempt; its owner is told by e-mail."""
        reason: DisabledReason = "gone" if tried.status == GONE else "failed"
        # A test, and a message that somebody sent again by hand, say nothing of days without an answer.
        last = delivery.attempts == MAX_ATTEMPTS and delivery.type != TEST
        if not (tried.status == GONE or last) or not await deliveries.disable(session, hook.id, reason):
            return
        logger.warning("webhook_disabled", webhook=hook.id, reason=reason)
        address = await email_addresses.first_confirmed(session, delivery.account_id)
        if address is not None:
            data = {
                "webhook_id": hook.id,
                # Paths and queries of such addresses are often secrets.
                "host": urlsplit(hook.url).hostname,
                "reason": reason,
                "status": tried.status,
            }
            body = telling.body_of(WEBHOOK_DISABLED, data)
            await email_addresses.add_mail(session, address, kind=WEBHOOK_DISABLED, body=body)
