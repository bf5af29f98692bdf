"""Signing in, by a password or by a one-time token, and signing out. Who signs in gets a cookie."""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from echoic import access
from echoic.access import tells_of_its_own
from echoic.api import session_cookie
from echoic.api.auth import CallerDep, Manager
from echoic.api.bodies import Body, UtcTime, read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.openapi import json_body
from echoic.api.own_page import own_address, require_own_page
from echoic.api.page import SIGN_IN_PATH, sign_in_link
from echoic.api.problems import Problem
from echoic.api.request_heads import check_head
from echoic.api.visitors import Password, SignInName, visitor_of
from echoic.compose import Components
from echoic.db.accounts import sessions, sign_in_tokens
from echoic.db.accounts.accounts import SCOPES
from echoic.errors import OidcUnavailable, SessionNotFound
from echoic.logs import get_logger

MAX_TOKEN_CHARACTERS = 200

logger = get_logger(__name__)
router = APIRouter(tags=["sign-in"], responses={"default": {"model": Problem}})


class PasswordBody(Body):
    """A name and its password."""

    name: SignInName = Field(description="The sign-in name, whatever its case.")
    password: Password = Field(description="The password.")


class TokenBody(Body):
    """A one-time token."""

    token: str = Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS, description="The one-time token.")


class SignedIn(BaseModel):
    """A session that has begun; its token is in the cookie."""

    account_id: int
    session_id: int


class MadeToken(BaseModel):
    """A one-time token, and the address of the page that uses it."""

    token: str = Field(description="The token itself. It is not kept and cannot be shown again.")
    url: str = Field(description="Lets in whoever opens it first.")
    expires_at: UtcTime


class SignInWays(BaseModel):
    """The ways in which people sign in here."""

    provider: str | None = Field(description="Name of the OpenID Connect provider; null: there is none.")


class SignedOut(BaseModel):
    """A session that has ended, of somebody who is still signed in at the provider."""

    url: str = Field(description="The address where a browser signs out there, which then sends it back here.")


@router.get("/api/sign-in", operation_id="listSignInWays")
async def ways(components: ComponentsDep) -> SignInWays:
    """The ways in which people sign in, beside a name and a password. It needs no key."""
    return SignInWays(provider=None if components.oidc is None else components.oidc.name)


@router.post("/api/sign-in", openapi_extra=json_body(PasswordBody), operation_id="signIn")
@tells_of_its_own
async def with_password(components: ComponentsDep, request: Request, response: Response) -> SignedIn:
    """Begin a session, for a page of this server: the answer sets a cookie.

    401 `sign_in_refused` where the name is unknown or the password wrong; 429 `too_many_sign_ins` after several tries.
    """
    check_head(request)
    own = own_address(request)
    require_own_page(request, own)
    wanted = await read_json(request, PasswordBody)
    made = await components.sign_ins.enter(name=wanted.name, password=wanted.password, visitor=visitor_of(request))
    session_cookie.keep(response, made.token, own)
    return SignedIn(account_id=made.account_id, session_id=made.id)


@router.post("/api/sign-in/token", openapi_extra=json_body(TokenBody), operation_id="signInWithToken")
@tells_of_its_own
async def with_token(components: ComponentsDep, request: Request, response: Response) -> SignedIn:
    """Begin a session with a one-time token, which ends by it. 401 `sign_in_refused` where it was used or ran out."""
    check_head(request)
    own = own_address(request)
    require_own_page(request, own)
    wanted = await read_json(request, TokenBody)
    made = await components.sign_ins.enter_with_token(wanted.token, visitor=visitor_of(request))
    session_cookie.keep(response, made.token, own)
    return SignedIn(account_id=made.account_id, session_id=made.id)


@router.post("/api/sign-in-tokens", status_code=201, operation_id="createSignInToken")
@tells_of_its_own
async def make_token(caller: Manager, components: ComponentsDep, request: Request, response: Response) -> MadeToken:
    """Make a token that begins one session of the account within ten minutes. It takes a key with all scopes.

    403 `host_not_allowed` where nobody can sign in under the address that the request was sent to.
    """
    access.require_grantable(caller, SCOPES)
    if components.settings.public_url is None:
        own_address(request)
    async with components.database.transaction() as session:
        token, expires_at = await sign_in_tokens.create(session, caller.account_id)
    response.headers["Cache-Control"] = "no-store"
    return MadeToken(token=token, url=sign_in_link(base_url(request, components), token), expires_at=expires_at)


@router.post("/api/sign-out", status_code=204, responses={200: {"model": SignedOut}}, operation_id="signOut")
async def sign_out(caller: CallerDep, components: ComponentsDep, request: Request) -> Response:
    """End the session that asks. 404 `session_not_found` where an API key asks.

    The answer is 200 with an address where the person signed in at an OpenID Connect provider and may sign out there, too.
    """
    if caller.session_id is None:
        raise SessionNotFound("The request was made with an API key or through a proxy, not with a session.")
    async with components.database.transaction() as session:
        issuer = await sessions.issuer_of(session, caller.session_id)
        await sessions.end(session, account_id=caller.account_id, session_id=caller.session_id)
    url = await _address_at_provider(components, issuer, base_url(request, components))
    response = Response(status_code=204) if url is None else JSONResponse(SignedOut(url=url).model_dump())
    session_cookie.forget(response, own_address(request))
    return response


async def _address_at_provider(components: Components, issuer: str | None, base: str) -> str | None:
    oidc = components.oidc
    if oidc is None or issuer is None or issuer.rstrip("/") != oidc.issuer.rstrip("/"):
        return None
    try:
        return await oidc.sign_out_address(return_to=f"{base}{SIGN_IN_PATH}")
    except OidcUnavailable as error:
        logger.warning("oidc_sign_out_unavailable", why=error.message)
        return None
