"""The cookie of a session. Scripts cannot read it, other sites' pages do not send it, and no other name sets it."""

from starlette.requests import Request
from starlette.responses import Response

from echoic.api.own_page import OwnAddress
from echoic.db.accounts.sessions import LIFETIME

SECURE_NAME = "__Host-echoic_session"
"""Browsers take this prefix only over TLS, for the whole host and for no other
(https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis, section 4.1.3.2)."""
PLAIN_NAME = "echoic_session"
"""Over http, which has no such cookies."""


FLOW = ("__Host-echoic_oidc", "echoic_oidc")
"""Cookies of a sign-in at a provider that is under way, over TLS and over http."""
FLOW_SECONDS = 600


def has_token(request: Request) -> bool:
    """Return whether a request carries the cookie of a session, under either name."""
    return SECURE_NAME in request.cookies or PLAIN_NAME in request.cookies


def token_of(request: Request, own: OwnAddress) -> str | None:
    """The token in the cookie that counts under this address."""
    return request.cookies.get(_name(own))


def keep(response: Response, token: str, own: OwnAddress) -> None:
    """Have the browser keep the token of a new session."""
    response.set_cookie(
        _name(own),
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=own.is_secure,
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"


def forget(response: Response, own: OwnAddress) -> None:
    """Have the browser forget the token."""
    response.delete_cookie(_name(own), path="/", secure=own.is_secure, httponly=True, samesite="lax")


def keep_flow(response: Response, value: str, own: OwnAddress) -> None:
    """Have the browser keep the secret of a sign-in at a provider until it comes back from there."""
    name = FLOW[0] if own.is_secure else FLOW[1]
    # Lax: the provider's page sends the browser back with a link, which is a click of another site.
    response.set_cookie(
        name, value, max_age=FLOW_SECONDS, path="/", secure=own.is_secure, httponly=True, samesite="lax"
    )
    response.headers["Cache-Control"] = "no-store"


def take_flow(request: Request, own: OwnAddress) -> str:
    """The secret that the browser has kept; empty where it has none."""
    return request.cookies.get(FLOW[0] if own.is_secure else FLOW[1], "")


def forget_flow(response: Response, own: OwnAddress) -> None:
    """Have the browser forget the secret: it serves once."""
    name = FLOW[0] if own.is_secure else FLOW[1]
    response.delete_cookie(name, path="/", secure=own.is_secure, httponly=True, samesite="lax")


def _name(own: OwnAddress) -> str:
    return SECURE_NAME if own.is_secure else PLAIN_NAME
