"""Authentication: the API key or the session of a request becomes a caller, before anything of its body is read.

Both are looked up for every request, so that one that was revoked ends at once. All of these are coroutines, because FastAPI
hands every plain function to a thread.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Security
from fastapi.security import APIKeyCookie, APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from echoic.access import READ, Caller, require_scope
from echoic.api import session_cookie
from echoic.api.context import ComponentsDep, RateLimiterDep
from echoic.api.own_page import PAGE_HEADER, own_address, require_own_page
from echoic.api.request_heads import check_head
from echoic.db.accounts import accounts, sessions
from echoic.db.accounts.sessions import FoundSession
from echoic.db.connect import Database
from echoic.errors import Unauthorized

NOTE_USE_AFTER = timedelta(minutes=1)
"""Precision in which the last use of a key or a session is kept."""

Noting = Callable[[AsyncSession, int], Awaitable[None]]

_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key, in the header Authorization.")
_query = APIKeyQuery(
    name="api_key",
    auto_error=False,
    scheme_name="ApiKeyInQuery",
    description="The same key, for clients that cannot set headers. URLs end up in logs: prefer the header.",
)
_cookie = APIKeyCookie(
    name=session_cookie.SECURE_NAME,
    auto_error=False,
    scheme_name="Session",
    description=f"The session of a browser, named `{session_cookie.PLAIN_NAME}` over http. It is set by signing in and may do "
    f"all that its account may. Everything but reading needs the header `{PAGE_HEADER}`, and an Origin of this server.",
)


async def authenticate(
    *,
    request: Request,
    components: ComponentsDep,
    rate_limiter: RateLimiterDep,
    background: BackgroundTasks,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    in_query: Annotated[str | None, Security(_query)],
    _in_cookie: Annotated[str | None, Security(_cookie)],  # for the document; the name depends on the address
) -> Caller:
    """The caller behind the request's key, or else behind its session; the header counts where several are given.

    Raises:
        Unauthorized: there is no key that works, and no open session.
        HostNotAllowed, OriginNotAllowed: the session comes with a request that is not of this server's own page.
        PlanUnknown: nobody knows the plan of its account.
        RateLimited: the account asks more often than its plan allows.
        ContentEncodingUnsupported, FieldInvalid: the request's head is not what any route takes.
    """
    database, now = components.database, datetime.now(UTC)
    key = bearer.credentials if bearer is not None else in_query
    note: Noting
    if key:
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
        used_at, note = found.last_used_at, accounts.touch_key
    else:
        opened = await _open_session(request, database)
        scopes = frozenset(accounts.SCOPES)
        caller = Caller(
            account_id=opened.account_id,
            key_id=None,
            plan=opened.plan,
            scopes=scopes,
            session_id=opened.id,
            is_admin=opened.is_admin,
        )
        used_at, note = opened.last_used_at, sessions.touch
    rate_limiter.admit(caller.account_id, components.plans[caller.plan].requests_per_minute)
    if used_at is None or now - used_at > NOTE_USE_AFTER:
        background.add_task(_note_use, database, note, caller.key_id or caller.session_id or 0)
    request.state.caller = caller  # for what surrounds the route
    check_head(request)  # strangers are told first that they are strangers
    return caller


async def _open_session(request: Request, database: Database) -> FoundSession:
    """The session of the request's cookie, where the request comes from a page of this server."""
    if not session_cookie.has_token(request):
        raise Unauthorized
    own = own_address(request)
    token = session_cookie.token_of(request, own)
    found = None if token is None else await sessions.find(database, token)
    if found is None:
        raise Unauthorized
    require_own_page(request, own)
    return found


async def _note_use(database: Database, note: Noting, used_id: int) -> None:
    async with database.transaction() as session:
        await note(session, used_id)


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
