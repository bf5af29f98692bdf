"""Access tokens as a resource meets them: the caller behind a token, where the token is for that resource."""

from dataclasses import dataclass
from datetime import datetime

from echoic.access import Caller
from echoic.accounts.callers import Use
from echoic.db.connect import Database
from echoic.db.oauth import grants, tokens
from echoic.errors import Unauthorized
from echoic.oauth.scopes import key_scopes


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """A program that comes with an access token."""

    use: Use
    """The caller, who has the account's rights in libraries, but neither its administration nor the scope ``manage``."""
    client_id: str
    scopes: frozenset[str]
    """``read``, ``write``: those of the token."""
    expires_at: datetime


async def by_access_token(token: str, database: Database, *, resource: str) -> Bearer:
    """Return the program behind an access token for this resource, looked up for every request.

    Raises Unauthorized where the token is unknown, ran out, was revoked or is for another resource, and where the account
    is locked.
    """
    found = await tokens.find_access(database, token, resource=resource)
    if found is None:
        raise Unauthorized
    caller = Caller(
        account_id=found.account_id,
        key_id=None,
        plan=found.plan,
        scopes=key_scopes(found.scopes),
        grant_id=found.grant_id,
    )
    return Bearer(
        use=Use(caller, found.last_used_at, grants.touch),
        client_id=found.client_id,
        scopes=frozenset(found.scopes),
        expires_at=found.expires_at,
    )
