"""Authentication: the API key, the proxy's word or the session of a request becomes a caller, before its body is read.

All are looked up for every request, so that one that was revoked ends at once. All of these are coroutines, because FastAPI
hands every plain function to a thread.
"""

from typing import Annotated

from fastapi import BackgroundTasks, Depends, Security
from fastapi.security import APIKeyCookie, APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from echoic.access import READ, Caller, require_scope
from echoic.accounts.callers import Use, admit, by_key
from echoic.api import session_cookie
from echoic.api.context import ComponentsDep
from echoic.api.own_page import PAGE_HEADER, own_address, require_own_page
from echoic.api.proxied import ProxiedPerson, account_of, proxied_person
from echoic.api.request_heads import check_head
from echoic.compose import Components
from echoic.db.accounts import accounts, sessions
from echoic.db.accounts.identities import FoundIdentity
from echoic.db.accounts.sessions import FoundSession
from echoic.db.connect import Database
from echoic.errors import Unauthorized

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
    background: BackgroundTasks,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    in_query: Annotated[str | None, Security(_query)],
    _in_cookie: Annotated[str | None, Security(_cookie)],  # for the document; the name depends on the address
) -> Caller:
    """The caller behind the request's key, or whom a trusted proxy names, or else behind its session.

    The header counts where a key is in the query as well.

    Raises:
        Unauthorized: there is no key that works, and no open session.
        HostNotAllowed, OriginNotAllowed: a request without a key is not of this server's own page.
        AccountLocked: the account of somebody whom the proxy names is locked.
        PlanUnknown: nobody knows the plan of its account.
        RateLimited: the account asks more often than its plan allows.
        ContentEncodingUnsupported, FieldInvalid: the request's head is not what any route takes.
    """
    database = components.database
    key = bearer.credentials if bearer is not None else in_query
    if key:
        use = await by_key(key, database)
    elif (person := proxied_person(request, components)) is not None:
        use = await _by_proxy(person, request, components)
    else:
        use = await _by_session(request, database)
    caller = await admit(use, components.plans, database, later=background.add_task)
    request.state.caller = caller  # for what surrounds the route
    check_head(request)  # strangers are told first that they are strangers
    return caller


async def _by_proxy(person: ProxiedPerson, request: Request, components: Components) -> Use:
    """The account of somebody whom the proxy names. Browsers send by themselves what the proxy knows them by."""
    require_own_page(request, own_address(request))
    found = await account_of(person, components)
    return Use(_in_a_browser(found), None, sessions.touch)


async def _by_session(request: Request, database: Database) -> Use:
    """The session of the request's cookie, where the request comes from a page of this server."""
    if not session_cookie.has_token(request):
        raise Unauthorized
    own = own_address(request)
    token = session_cookie.token_of(request, own)
    opened = None if token is None else await sessions.find(database, token)
    if opened is None:
        raise Unauthorized
    require_own_page(request, own)
    return Use(_in_a_browser(opened, session_id=opened.id), opened.last_used_at, sessions.touch)


def _in_a_browser(account: FoundSession | FoundIdentity, *, session_id: int | None = None) -> Caller:
    """Return the caller of a browser, who may do all that the account may."""
    return Caller(
        account_id=account.account_id,
        key_id=None,
        plan=account.plan,
        scopes=frozenset(accounts.SCOPES),
        session_id=session_id,
        is_admin=account.is_admin,
    )


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
