"""Sends what is due in the outbox. Any number of processes may do so at the same time, and any may be killed.

A message is sent at least once: a process that dies after it was received and before that was written down has it sent
again, under the same id.
"""

import asyncio
import time

from echoic.db.connect import Database
from echoic.db.outbox import deliveries
from echoic.db.outbox.deliveries import Claimed, Tried
from echoic.db.outbox.webhooks import DisabledReason
from echoic.errors import SecretUnreadable, UrlForbidden, WebhookUrlInvalid
from echoic.intake.egress import Egress
from echoic.logs import get_logger
from echoic.outbox.addresses import checked_url
from echoic.outbox.post import WHOLE_SECONDS, Outcome, post
from echoic.outbox.schedule import MAX_ATTEMPTS, next_wait_seconds
from echoic.outbox.signing import Sealer, signature

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

    def __init__(self, database: Database, egress: Egress, sealer: Sealer) -> None:
        self._database = database
        self._egress = egress
        self._sealer = sealer

    async def send_due(self) -> bool:
        """Send all that is due now; returns whether anything was."""
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
            claimed = await deliveries.claim(session, lease_seconds=LEASE_SECONDS)
        if claimed is None:
            return False
        outcome = await self._try(claimed) if claimed.may_know else None
        await self._note(claimed, outcome)
        return True

    async def _try(self, claimed: Claimed) -> Outcome:
        """Make one attempt; the signature is made for it, the body is as old as the event."""
        try:
            url = checked_url(claimed.url, self._egress)
            sealed = [claimed.secret, *([claimed.former_secret] if claimed.former_secret else [])]
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
            given_up = tried.status == GONE or claimed.type == TEST
            wait = None if given_up else next_wait_seconds(delivery.attempts, outcome.retry_after_seconds)
            if wait is not None:
                await deliveries.wait(session, delivery, wait)
                return
            await deliveries.end(session, delivery, "failed")
            reason: DisabledReason = "gone" if tried.status == GONE else "failed"
            # A test, and a message that somebody sent again by hand, say nothing of days without an answer.
            last = delivery.attempts == MAX_ATTEMPTS and claimed.type != TEST
            if (tried.status == GONE or last) and await deliveries.disable(session, claimed.webhook_id, reason):
                logger.warning("webhook_disabled", webhook=claimed.webhook_id, reason=reason)
