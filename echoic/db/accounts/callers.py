"""Callers who were let in before: whether their keys, sessions and accounts still hold."""

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
_ACCOUNTS = Query(select(Account.id).where(among_given(Account.id, "ids", BigInteger()), IS_OPEN))


@dataclass(frozen=True, kw_only=True, slots=True)
class Working:
    """Keys, sessions and accounts, by their ids, that let somebody in now."""

    keys: frozenset[int]
    sessions: frozenset[int]
    accounts: frozenset[int]


async def still_working(database: Database, *, keys: set[int], sessions: set[int], accounts: set[int]) -> Working:
    """Return those that have neither ended nor run out, and whose account is not locked. Raises DatabaseUnavailable."""

    async def working(query: Query, ids: set[int]) -> frozenset[int]:
        return frozenset(row[0] for row in await database.read(query, ids=sorted(ids))) if ids else frozenset()

    return Working(
        keys=await working(_KEYS, keys),
        sessions=await working(_SESSIONS, sessions),
        accounts=await working(_ACCOUNTS, accounts),
    )
