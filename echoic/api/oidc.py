"""Signing in at an OpenID Connect provider: a browser is sent there, and comes back with an answer.

The page begins it by a request of its own, so that no other site's page can. The way back is a link, which no script reads:
it ends at the page, with a session or with the reason why there is none.
"""

from typing import TYPE_CHECKING

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from echoic.access import tells_of_its_own
from echoic.accounts import guessing
from echoic.api import session_cookie
from echoic.api.bodies import Body, read_json
from echoic.api.context import ComponentsDep, base_url
from echoic.api.openapi import json_body
from echoic.api.own_page import own_address, require_own_page
from echoic.api.page import SIGN_IN_PATH, refusal_link
from echoic.api.patterns import URL_SAFE
from echoic.api.problems import Problem
from echoic.api.request_heads import check_head
from echoic.api.sign_in import MAX_TOKEN_CHARACTERS
from echoic.api.visitors import visitor_of
from echoic.compose import Components
from echoic.db.accounts.sessions import MadeSession
from echoic.errors import EchoicError, OidcNotSetUp
from echoic.logs import get_logger

if TYPE_CHECKING:
    from echoic.accounts.oidc import OidcProvider

CALLBACK_PATH = "/api/sign-in/oidc/callback"
INVITATION_SIGN = "."
"""Stands between the secret and the invitation in the cookie, and in neither of them."""

logger = get_logger(__name__)
router = APIRouter(tags=["sign-in"], responses={"default": {"model": Problem}})


class ProviderSignIn(Body):
    """A sign-in at the provider that is to begin."""

    invitation: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_TOKEN_CHARACTERS,
        pattern=URL_SAFE,
        description="The token of an invitation that is to be accepted.",
    )


class ProviderAddress(BaseModel):
    """The address where a browser signs in."""

    url: str


@router.post("/api/sign-in/oidc", openapi_extra=json_body(ProviderSignIn), operation_id="beginOidcSignIn")
@tells_of_its_own
async def begin(components: ComponentsDep, request: Request, response: Response) -> ProviderAddress:
    """Begin a sign-in at the OpenID Connect provider: the answer sets a cookie, and names where the browser goes.

    404 `oidc_not_set_up` where the installation has none; 503 `oidc_unavailable` where it cannot be reached.
    """
    check_head(request)
    own = own_address(request)
    require_own_page(request, own)
    wanted = await read_json(request, ProviderSignIn)
    provider = _provider(components)
    secret = provider.new_secret()
    url = await provider.sign_in_address(secret, redirect_uri=_redirect_uri(request, components))
    kept = secret if wanted.invitation is None else f"{secret}{INVITATION_SIGN}{wanted.invitation}"
    session_cookie.keep_flow(response, kept, own)
    return ProviderAddress(url=url)


@router.get(CALLBACK_PATH, include_in_schema=False)
async def come_back(components: ComponentsDep, request: Request) -> RedirectResponse:
    """Take the browser that the provider sends back. The answer is the page, whatever happened."""
    own = own_address(request)
    base = base_url(request, components)
    try:
        made = await _enter(components, request, session_cookie.take_flow(request, own))
    except EchoicError as error:
        logger.info("oidc_sign_in_refused", code=error.code, why=error.message, cause=repr(error.__cause__))
        response = RedirectResponse(refusal_link(base, error.code), 303)
    else:
        response = RedirectResponse(f"{base}{SIGN_IN_PATH}", 303)
        session_cookie.keep(response, made.token, own)
    session_cookie.forget_flow(response, own)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _enter(components: Components, request: Request, kept: str) -> MadeSession:
    visitor = visitor_of(request)
    provider = _provider(components)
    await guessing.count_try(components.database, name=None, address=visitor.address)
    secret, _, invitation = kept.partition(INVITATION_SIGN)
    claims = await provider.claims(secret, dict(request.query_params), redirect_uri=_redirect_uri(request, components))
    return await components.sign_ins.enter_as(
        claims, components.admission, invitation=invitation or None, visitor=visitor
    )


def _provider(components: Components) -> "OidcProvider":
    if components.oidc is None:
        raise OidcNotSetUp
    return components.oidc


def _redirect_uri(request: Request, components: Components) -> str:
    return f"{base_url(request, components)}{CALLBACK_PATH}"
