"""Whether those who were let in still are: by keys and sessions that were found before."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, select

from echoic.db.accounts.accounts import IS_OPEN, KEY_WORKS, Account, ApiKey
from echoic.db.accounts.sessions import SESSION_WORKS, Session
from echoic.db.base import among_given
from echoic.db.connect import Database
from echoic.db.reads import Query

_KEYS = Query(
    select(ApiKey.id)
    .join(Account, Account.id == ApiKey.account_id)
    .where(among_given(ApiKey.id, "ids", BigInteger()), *KEY_WORKS, IS_OPEN)
)
_SESSIONS = Query(
    select(Session.id)
    .join(Account, Account.id == Session.account_id)
    .where(among_given(Session.id, "ids", BigInteger()), *SESSION_WORKS, IS_OPEN)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Working:
    """Keys and sessions, by their ids, that open something now."""

    keys: frozenset[int]
    sessions: frozenset[int]


async def still_working(database: Database, *, keys: set[int], sessions: set[int]) -> Working:
    """Return those that have neither ended nor run out, and whose account is open. Raises DatabaseUnavailable."""
    found_keys = await database.read(_KEYS, ids=sorted(keys)) if keys else []
    found_sessions = await database.read(_SESSIONS, ids=sorted(sessions)) if sessions else []
    return Working(keys=frozenset(row[0] for row in found_keys), sessions=frozenset(row[0] for row in found_sessions))
