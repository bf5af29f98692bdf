"""The authorization server's own routes: its descriptions, registration, tokens, revocation. The consent is a page's matter.

They are no part of the OpenAPI document: programs find them by their descriptions (RFC 8414, RFC 9728), and their bodies and
errors are those of the protocol.
"""

from collections.abc import Awaitable, Callable
from functools import wraps

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from echoic.api.context import ComponentsDep, components_of
from echoic.api.oauth_answers import answered, credentials, read_description, read_form, refused
from echoic.api.request_heads import check_head
from echoic.api.visitors import visitor_of
from echoic.compose import Components
from echoic.db.oauth.clients import Client
from echoic.db.oauth.tokens import ACCESS_SECONDS
from echoic.errors import EchoicError, InvalidRequest, OauthNotSetUp, UnsupportedGrantType
from echoic.oauth import clients, metadata
from echoic.oauth.addresses import (
    REGISTER_PATH,
    RESOURCE_METADATA_PATH,
    RESOURCE_PATH,
    REVOKE_PATH,
    SERVER_METADATA_PATH,
    TOKEN_PATH,
)
from echoic.oauth.exchange import Issued
from echoic.oauth.server import AuthorizationServer

KEPT = {"Cache-Control": "public, max-age=3600"}

Route = Callable[[Request], Awaitable[Response]]

router = APIRouter(tags=["oauth"], include_in_schema=False)


def _protocol(otherwise: str) -> Callable[[Route], Route]:
    """Answer errors of a route as the protocol has them; ``otherwise`` is the code of those that it does not know."""

    def wrapped(route: Route) -> Route:
        @wraps(route)
        async def answer(request: Request) -> Response:
            try:
                check_head(request)
                return await route(request)
            except EchoicError as error:
                return refused(request, error, otherwise=otherwise)

        return answer

    return wrapped


def authorization_server(components: Components) -> AuthorizationServer:
    """The authorization server. Raises OauthNotSetUp."""
    if components.oauth is None:
        raise OauthNotSetUp
    return components.oauth


@router.get(SERVER_METADATA_PATH)
@router.get(SERVER_METADATA_PATH + RESOURCE_PATH)
async def server_metadata(components: ComponentsDep) -> Response:
    """The authorization server's description; at the second place for clients that look below the resource's path."""
    return answered(metadata.of_server(authorization_server(components).addresses), headers=KEPT)


@router.get(RESOURCE_METADATA_PATH)
@router.get(RESOURCE_METADATA_PATH + RESOURCE_PATH)
async def resource_metadata(components: ComponentsDep) -> Response:
    """The description of the MCP endpoint as a resource."""
    return answered(metadata.of_resource(authorization_server(components).addresses), headers=KEPT)


@router.post(REGISTER_PATH)
@_protocol("invalid_client_metadata")
async def register(request: Request) -> Response:
    """Register a client (RFC 7591)."""
    server = authorization_server(components_of(request))
    fields = await read_description(request)
    registered = await server.clients.register(fields, address=visitor_of(request).address)
    return answered(clients.answer(registered), status=201)


@router.post(TOKEN_PATH)
@_protocol("invalid_request")
async def token(request: Request) -> Response:
    """Give tokens for a code or a refresh token (RFC 6749, section 4.1.3 and 6)."""
    server, client, fields = await _client_and_form(request)
    kind = fields.get("grant_type")
    if kind == "authorization_code":
        issued = await server.exchange.by_code(
            client,
            _field(fields, "code"),
            verifier=_field(fields, "code_verifier"),
            redirect_uri=fields.get("redirect_uri"),
            resource=fields.get("resource"),
        )
    elif kind == "refresh_token":
        issued = await server.exchange.by_refresh(
            client, _field(fields, "refresh_token"), scope=fields.get("scope"), resource=fields.get("resource")
        )
    elif kind is None:
        raise InvalidRequest("The form lacks the field grant_type.")
    else:
        raise UnsupportedGrantType
    return answered(_tokens(issued))


@router.post(REVOKE_PATH)
@_protocol("invalid_request")
async def revoke(request: Request) -> Response:
    """End a token (RFC 7009); the hint of its kind is not needed."""
    server, client, fields = await _client_and_form(request)
    await server.exchange.revoke(client, _field(fields, "token"))
    return answered({})


async def _client_and_form(request: Request) -> tuple[AuthorizationServer, Client, dict[str, str]]:
    server = authorization_server(components_of(request))
    await server.exchange.count(visitor_of(request).address)
    fields = await read_form(request)
    return server, await server.clients.authenticated(credentials(request, fields)), fields


def _field(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise InvalidRequest(f"The form lacks the field {name}.")
    return fields[name]


def _tokens(issued: Issued) -> dict[str, object]:
    fields: dict[str, object] = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "scope": " ".join(issued.scopes),
    }
    return fields if issued.refresh_token is None else {**fields, "refresh_token": issued.refresh_token}
