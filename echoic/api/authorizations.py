"""The consent: what a program asks of the account, as the page shows it, and its answer to the program."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from echoic import access
from echoic.access import Caller, tells_of_its_own
from echoic.accounts.admission import PROXY
from echoic.api.auth import Manager
from echoic.api.bodies import Body, read_json
from echoic.api.context import ComponentsDep
from echoic.api.oauth import authorization_server
from echoic.api.openapi import json_body
from echoic.api.problems import Problem
from echoic.compose import Components
from echoic.db.accounts import accounts, sessions
from echoic.oauth import documents
from echoic.oauth.scopes import ProgramScope, key_scopes, known

MAX_QUERY_CHARACTERS = 16_000

router = APIRouter(tags=["authorizations"], responses={"default": {"model": Problem}})


class AuthorizationQuery(Body):
    """An authorization that a program asks for."""

    query: str = Field(
        min_length=1,
        max_length=MAX_QUERY_CHARACTERS,
        description="The part behind the question mark of the address `/oauth/authorize` to which the program led the browser.",
        examples=["response_type=code&client_id=…&redirect_uri=…&code_challenge=…&code_challenge_method=S256&state=…"],
    )


class AuthorizationGiven(AuthorizationQuery):
    """An authorization that is allowed."""

    scopes: Annotated[list[ProgramScope], Field(min_length=1, max_length=10)] = Field(
        description="Those that are given, of those asked for."
    )


class AuthorizationBody(BaseModel):
    """The things to be known before an authorization is allowed."""

    program: str = Field(description="The name that the program gives itself, or the host that it leads back to.")
    described_by: str | None = Field(
        description="The host that vouches for the name; null: nobody does.", examples=["agent.example"]
    )
    redirect_host: str = Field(
        description="The host, or the program's own scheme, to which the browser is led back.",
        examples=["agent.example"],
    )
    is_local: bool = Field(description="Whether that is on the device of the browser itself.")
    scopes: list[ProgramScope] = Field(
        description="read: everything that you may see; write: put in, rename, start, cancel."
    )
    account: str = Field(description="The name of the account that would be connected.")
    failure: str | None = Field(description="The reason why it cannot be allowed; null: it can.", examples=[None])
    refusal_url: str = Field(
        description="The address that tells the program that it gets nothing.",
        examples=["https://agent.example/callback?error=access_denied"],
    )


class LeadsBack(BaseModel):
    """The address to which the browser goes."""

    url: str


@router.post(
    "/api/authorizations/look", openapi_extra=json_body(AuthorizationQuery), operation_id="lookAtAuthorization"
)
@tells_of_its_own
async def look(caller: Manager, components: ComponentsDep, request: Request) -> AuthorizationBody:
    """Look at what a program asks of the account. Nothing is allowed by it.

    404 `program_unknown` and 400 `program_unusable`, `invalid_redirect_uri`, `invalid_request` where the program must not
    be told, for it is not certain who that is.
    """
    wanted = await read_json(request, AuthorizationQuery)
    server = authorization_server(components)
    asked = await server.authorizations.read(wanted.query, account_id=caller.account_id)
    async with components.database.transaction() as session:
        account = await accounts.get_account(session, caller.account_id)
    client_id = asked.client.client_id
    return AuthorizationBody(
        program=asked.client.name or asked.redirect.host,
        described_by=urlsplit(client_id).netloc if documents.is_document(client_id) else None,
        redirect_host=asked.redirect.host,
        is_local=asked.redirect.is_local,
        scopes=known(asked.scopes),
        account=account.name,
        failure=None if asked.failure is None else asked.failure.message,
        refusal_url=server.authorizations.refusal(asked),
    )


@router.post("/api/authorizations", openapi_extra=json_body(AuthorizationGiven), operation_id="allowProgram")
@tells_of_its_own
async def allow(caller: Manager, components: ComponentsDep, request: Request) -> LeadsBack:
    """Allow a program to act for the account. The answer leads the browser back to it with a code, which works for a minute.

    403 `scope_missing` for more than the caller's own key may do.
    """
    wanted = await read_json(request, AuthorizationGiven)
    access.require_grantable(caller, key_scopes(wanted.scopes))
    authorizations = authorization_server(components).authorizations
    asked = await authorizations.read(wanted.query, account_id=caller.account_id)
    issuer = await _issuer(caller, components)
    url = await authorizations.allow(asked, given=wanted.scopes, account_id=caller.account_id, issuer=issuer)
    return LeadsBack(url=url)


async def _issuer(caller: Caller, components: Components) -> str | None:
    """The provider where the person has signed in; what they connect ends when they may sign in there no longer."""
    if caller.session_id is not None:
        async with components.database.transaction() as session:
            return await sessions.issuer_of(session, caller.session_id)
    return PROXY if caller.key_id is None else None
