"""Who asks: the API key of a request becomes a caller, before anything of its body is read.

Keys are looked up for every request, so that a revoked one ends at once. All of these are coroutines, because FastAPI
hands every plain function to a thread.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Security
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from echoic.access import READ, Caller, require_scope
from echoic.api.context import ComponentsDep, RateLimiterDep
from echoic.db.accounts import accounts
from echoic.db.connect import Database
from echoic.errors import Unauthorized

NOTE_USE_AFTER = timedelta(minutes=1)
"""How exactly a key's last use is kept."""

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key, in the header Authorization.")
_query = APIKeyQuery(
    name="api_key",
    auto_error=False,
    scheme_name="ApiKeyInQuery",
    description="The same key, for clients that cannot set headers. URLs end up in logs: prefer the header.",
)


async def authenticate(
    *,
    request: Request,
    components: ComponentsDep,
    rate_limiter: RateLimiterDep,
    background: BackgroundTasks,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    in_query: Annotated[str | None, Security(_query)],
) -> Caller:
    """The caller behind the request's key; the header counts where both are given.

    Raises:
        Unauthorized: there is no key that works.
        PlanUnknown: nobody knows the plan of its account.
        RateLimited: the account asks more often than its plan allows.
    """
    key = bearer.credentials if bearer is not None else in_query
    if not key:
        raise Unauthorized
    found = await accounts.find_key(components.database, key)
    if found is None:
        raise Unauthorized
    rate_limiter.admit(found.account_id, components.plans[found.plan].requests_per_minute)
    if found.last_used_at is None or datetime.now(UTC) - found.last_used_at > NOTE_USE_AFTER:
        background.add_task(_note_use, components.database, found.id)
    caller = Caller(account_id=found.account_id, key_id=found.id, plan=found.plan, scopes=frozenset(found.scopes))
    request.state.caller = caller  # for what surrounds the route
    return caller


async def _note_use(database: Database, key_id: int) -> None:
    async with database.transaction() as session:
        await accounts.touch_key(session, key_id)


CallerDep = Annotated[Caller, Depends(authenticate)]


async def reader(caller: CallerDep) -> Caller:
    """A caller whose key may read."""
    require_scope(caller, READ)
    return caller


async def uploader(caller: CallerDep) -> Caller:
    """A caller whose key may upload, and start and cancel what is done with an upload."""
    require_scope(caller, "upload")
    return caller


async def manager(caller: CallerDep) -> Caller:
    """A caller whose key may set up and remove."""
    require_scope(caller, "manage")
    return caller


Reader = Annotated[Caller, Depends(reader)]
Uploader = Annotated[Caller, Depends(uploader)]
Manager = Annotated[Caller, Depends(manager)]
