"""Daily digests: what alerts found in a day, one message for each receiver.

A digest is made in one transaction that holds the plan of its account: of several processes one makes it, and a process that
dies has made none.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.alerts.schedule import next_moment, zone_of
from echoic.db.connect import Database
from echoic.db.outbox import digests, telling
from echoic.db.outbox.alerts import Alert
from echoic.db.outbox.digests import DigestPlan, PendingMatches
from echoic.db.outbox.rights import DIGEST
from echoic.errors import FieldInvalid
from echoic.settings import Settings

INTERVAL_SECONDS = 5.0
MAX_ITEMS = 50
"""Recordings of one digest, for each alert in turn; it says how many there are in all."""
MAX_MATCHES = 3
"""Of one recording."""


class Digests:
    """Makes digests, and keeps when each account gets them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._hour = settings.digest_hour
        self._time_zone = settings.digest_time_zone

    def hour_of(self, plan: DigestPlan | None) -> int:
        """Return the hour of an account's digests."""
        return self._hour if plan is None or plan.hour is None else plan.hour

    def time_zone_of(self, plan: DigestPlan | None) -> str:
        """Return the time zone of that hour."""
        return self._time_zone if plan is None or plan.time_zone is None else plan.time_zone

    async def ensure_plan(self, session: AsyncSession, account_id: int) -> None:
        """Have digests made for an account."""
        if await digests.plan_of(session, account_id) is None:
            await self.plan(session, account_id, hour=None, time_zone=None)

    async def plan(
        self, session: AsyncSession, account_id: int, *, hour: int | None, time_zone: str | None
    ) -> DigestPlan:
        """Set when an account gets its digests; None: as the settings have it. Raises FieldInvalid."""
        zone = zone_of(time_zone or self._time_zone)
        before = await digests.plan_of(session, account_id)
        next_at = next_moment(
            await digests.now(session),
            hour=self._hour if hour is None else hour,
            zone=zone,
            told_at=None if before is None else before.told_at,
        )
        return await digests.put_plan(session, account_id, hour=hour, time_zone=time_zone, next_at=next_at)

    async def make_due(self) -> bool:
        """Make the next digest that is due; returns whether there was one."""
        if not await digests.any_due(self._database):
            return False
        async with self._database.transaction() as session:
            plan = await digests.take_due(session)
            if plan is None:
                return False
            told = await self._tell(session, plan.account_id)
            now = await digests.now(session)
            await digests.conclude(session, plan, next_at=self._next(plan, now, told=told), told=told)
        return True

    def _next(self, plan: DigestPlan, now: datetime, *, told: bool) -> datetime:
        try:
            zone = zone_of(self.time_zone_of(plan))
        except FieldInvalid:  # it was there when it was chosen
            zone = zone_of("UTC")
        return next_moment(now, hour=self.hour_of(plan), zone=zone, told_at=now if told else plan.told_at)

    async def _tell(self, session: AsyncSession, account_id: int) -> bool:
        """Write a digest for each receiver that it has something for."""
        pending = await digests.take_pending(session, account_id)
        if not pending:
            return False
        told = False
        for receiver in await digests.receivers(session, account_id, [alert for alert, _ in pending]):
            wanted = [(alert, one) for alert, one in pending if receiver.wants(alert, one.dataset_id)]
            if wanted:
                await digests.tell(session, account_id, receiver, telling.body_of(DIGEST, _data(wanted)))
                told = True
        return told


def _data(pending: Sequence[tuple[Alert, PendingMatches]]) -> dict[str, Any]:
    by_alert: dict[int, dict[str, Any]] = {}
    for number, (alert, one) in enumerate(pending):
        entry = by_alert.setdefault(
            alert.id,
            {"alert_id": alert.id, "name": alert.name, "search_term": one.data["search_term"], "items": []},
        )
        if number < MAX_ITEMS:
            item = {key: one.data[key] for key in ("item_id", "dataset_id", "title", "published_at", "total_matches")}
            entry["items"].append({**item, "matches": one.data["matches"][:MAX_MATCHES]})
    alerts = [entry for entry in by_alert.values() if entry["items"]]
    return {"alerts": alerts, "total_items": len(pending), "until": datetime.now(UTC).isoformat()[:19] + "Z"}
