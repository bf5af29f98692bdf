"""Callers behind what a request carries: looked up for every request, so that a key that was revoked ends at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.accounts import rate_limit
from echoic.db.accounts import accounts
from echoic.db.connect import Database
from echoic.errors import Unauthorized
from echoic.plans import Plans

NOTE_USE_AFTER = timedelta(minutes=1)
"""Precision in which the last use of a key, a session or a grant is kept."""

Noting = Callable[[AsyncSession, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Use:
    """A caller, when its key, session or grant was used last, and what notes that it is used again."""

    caller: Caller
    at: datetime | None
    note: Noting

    @property
    def used_id(self) -> int | None:
        """Return the id of the key, the session or the grant; None for a caller that has none of them."""
        return self.caller.key_id or self.caller.session_id or self.caller.grant_id

    def is_to_be_noted(self) -> bool:
        """Return whether the last use that is kept is too long ago."""
        return self.used_id is not None and (self.at is None or datetime.now(UTC) - self.at > NOTE_USE_AFTER)


async def by_key(key: str, database: Database) -> Use:
    """Return the caller behind an API key. Raises Unauthorized."""
    found = await accounts.find_key(database, key)
    if found is None:
        raise Unauthorized
    caller = Caller(
        account_id=found.account_id,
        key_id=found.id,
        plan=found.plan,
        scopes=frozenset(found.scopes),
        is_admin=found.is_admin,
    )
    return Use(caller, found.last_used_at, accounts.touch_key)


Later = Callable[[Callable[[Database, Use], Awaitable[None]], Database, Use], None]
"""Has a function called with these arguments once the request is answered."""


async def admit(use: Use, plans: Plans, database: Database, *, later: Later) -> Caller:
    """Return the caller of a request that counts against its account's plan, and have its use noted.

    Raises PlanUnknown, RateLimited and DatabaseUnavailable.
    """
    caller = use.caller
    await rate_limit.admit(database, caller.account_id, plans[caller.plan].requests_per_minute)
    if use.is_to_be_noted():
        later(note, database, use)
    return caller


async def note(database: Database, use: Use) -> None:
    """Note that a key, a session or a grant is used."""
    if use.used_id is None:
        return
    async with database.transaction() as session:
        await use.note(session, use.used_id)
