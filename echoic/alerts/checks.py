"""Looks for alerts in items that are new or have changed, and writes what is new into the outbox.

The messages, the note of what was told and the end of the check are one transaction: a process that dies has told nothing,
and the check is made again.
"""

from datetime import UTC
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.alerts.matching import hits_in, is_same, not_in, span_of
from echoic.db.connect import Database
from echoic.db.outbox import alert_checks, alerts, digests, telling
from echoic.db.outbox.alert_checks import DueCheck
from echoic.db.outbox.alerts import Alert, Span
from echoic.db.outbox.rights import ALERT
from echoic.errors import QueryInvalid
from echoic.logs import get_logger
from echoic.search.answer import Hit
from echoic.search.port import SearchIndex
from echoic.search.run import EncoderLease

INTERVAL_SECONDS = 1.0
LEASE_SECONDS = 120.0
MAX_MATCHES_TOLD = 20
"""Of one message; it says how many there are in all."""
MAX_TEXT_CHARACTERS = 500

logger = get_logger(__name__)


class AlertChecker:
    """Makes checks in one process; any number of processes may do so."""

    def __init__(self, database: Database, index: SearchIndex, encoder: EncoderLease) -> None:
        self._database = database
        self._index = index
        self._encoder = encoder

    async def check_due(self) -> bool:
        """Make the next check; returns whether there was one."""
        if not await alert_checks.any_due(self._database):
            return False
        async with self._database.transaction() as session:
            due = await alert_checks.claim(session, lease_seconds=LEASE_SECONDS)
            if due is None:
                return False
            wanted = await alert_checks.alerts_about(session, due)
        found = [(alert, hits) for alert in wanted if (hits := await self._hits(alert, due))]
        async with self._database.transaction() as session:
            if not await alert_checks.end(session, due):
                logger.info("alert_check_taken_over", item=due.item.id)
                return True
            later = await alert_checks.changed_since(session, due)
            active = await alerts.still_active(session, [alert.id for alert, _ in found])
            for alert, hits in found:
                if alert.id in active:
                    await _tell_new(session, alert, due, hits, later)
        return True

    async def _hits(self, alert: Alert, due: DueCheck) -> list[Hit]:
        try:
            return await hits_in(
                due.item.id,
                account_id=alert.account_id,
                query=alert.query,
                filters=alert.filters,
                index=self._index,
                encoder=self._encoder,
            )
        except QueryInvalid as error:
            # It was valid when it was saved; the query language has changed since.
            logger.warning("alert_query_invalid", alert=alert.id, reason=error.message)
            return []


async def _tell_new(session: AsyncSession, alert: Alert, due: DueCheck, hits: list[Hit], later: list[Span]) -> None:
    """Write a message about the hits that are new, or keep them for the next digest, and note all of them as told.

    ``later``: stretches that were changed since, which the search may have seen already.
    """
    told = await alerts.told_spans(session, alert.id, due.item.id)
    new = unknown = not_in(hits, told)
    first, since = due.first_published_at, alert.active_since
    if first is not None and since is not None and since > first:
        # The alert looks for a shorter time than the recording is there: only what was changed since can be new to it.
        new = [hit for hit in unknown if any(is_same(span_of(hit), span) for span in due.changed)]
        # The check of a later edit tells of what that made match.
        unknown = [*new, *not_in(not_in(unknown, due.changed), later)]
    spans = [*told, *map(span_of, unknown)]
    if len(spans) > len(told):
        await alerts.note_told(session, alert.id, due.item.id, spans)
    if new:
        data, dataset_id = _data(alert, due, new), due.item.dataset_id
        if alert.frequency == "daily":
            await digests.keep(session, alert, item_id=due.item.id, dataset_id=dataset_id, data=data)
        else:
            await alerts.tell(session, alert, dataset_id=dataset_id, body=telling.body_of(ALERT, data))


def _data(alert: Alert, due: DueCheck, hits: list[Hit]) -> dict[str, Any]:
    item = due.item
    return {
        "alert_id": alert.id,
        "name": alert.name,
        "search_term": alert.query,
        "item_id": item.id,
        "dataset_id": item.dataset_id,
        "title": item.title,
        "published_at": item.published_at and item.published_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "matches": [
            {
                "field": hit.field,
                "start": hit.start,
                "end": hit.end,
                "speaker": hit.speaker,
                "text": hit.text[:MAX_TEXT_CHARACTERS],
            }
            for hit in hits[:MAX_MATCHES_TOLD]
        ],
        "total_matches": len(hits),
    }
