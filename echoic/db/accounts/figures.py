"""Counts of what accounts have and use, for administrators: of a whole page of accounts at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.accounts import accounts, minutes, stored
from echoic.db.accounts.accounts import ApiKey
from echoic.db.accounts.minutes import Usage
from echoic.db.accounts.sessions import Session
from echoic.db.accounts.stored import StoredUse
from echoic.db.base import among


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountFigures:
    """The counts of one account."""

    api_keys: int
    """Those that work."""
    minutes: Usage
    stored: StoredUse
    last_used_at: datetime | None
    """When a key or a session of it was last used, to the minute; None: never, or all of its sessions have ended."""


async def figures_of(session: AsyncSession, account_ids: Collection[int]) -> Mapping[int, AccountFigures]:
    """Return the figures of the given accounts, by their ids."""
    keys = await accounts.count_keys_of(session, account_ids)
    taken = await minutes.usages(session, account_ids)
    kept = await stored.stored_uses(session, account_ids)
    used = (
        select(rows.account_id, func.max(rows.last_used_at).label("at"))
        .where(among(rows.account_id, account_ids))
        .group_by(rows.account_id)
        for rows in (ApiKey, Session)
    )
    of_keys, of_sessions = used
    both = of_keys.union_all(of_sessions).subquery()
    rows = await session.execute(select(both.c.account_id, func.max(both.c.at)).group_by(both.c.account_id))
    last_used = {row[0]: row[1] for row in rows}
    return {
        account_id: AccountFigures(
            api_keys=keys[account_id],
            minutes=taken[account_id],
            stored=kept[account_id],
            last_used_at=last_used.get(account_id),
        )
        for account_id in account_ids
    }
