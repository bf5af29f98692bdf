"""Authorizations: what a program asks of somebody, and the code that it gets where they allow it.

A fault that only the program can mend is told to it; one that makes it uncertain where the browser would be led, to the
person alone (RFC 6749, section 4.1.2.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from echoic.db.connect import Database
from echoic.db.oauth import codes
from echoic.db.oauth.clients import Client
from echoic.db.oauth.grants import Agreed
from echoic.errors import (
    EchoicError,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnsupportedResponseType,
)
from echoic.oauth import pkce, redirects, scopes
from echoic.oauth.addresses import Addresses
from echoic.oauth.clients import Clients
from echoic.oauth.redirects import Redirect

MAX_PARAMETERS = 50
MAX_CHARACTERS = 1000
"""Of a parameter other than an address."""
DENIED = "access_denied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An authorization that a program asks for."""

    client: Client
    redirect: Redirect
    scopes: Sequence[str]
    resource: str
    challenge: str
    state: str | None
    failure: EchoicError | None
    """The fault to be told to the program; None: somebody may allow it."""


class Authorizations:
    """Reads what programs ask, and gives codes."""

    def __init__(self, database: Database, clients: Clients, addresses: Addresses, *, hosts: Sequence[str]) -> None:
        self._database = database
        self._clients = clients
        self._addresses = addresses
        self._hosts = hosts

    async def read(self, query: str, *, account_id: int) -> Asked:
        """Return what the query of an authorization asks.

        Raises:
            InvalidRequest: the query cannot be read, or names no client.
            ProgramUnknown, ProgramUnusable: the client is none that may ask.
            InvalidRedirectUri: it did not register the address, or programs may not be sent back there.
            RateLimited: the account has too many programs looked up.
        """
        given = _parameters(query)
        client_id = given.get("client_id", [""])
        if len(client_id) != 1 or not client_id[0]:
            raise InvalidRequest("The address must name one client_id.")
        client = await self._clients.for_authorization(client_id[0], account_id=account_id)
        redirect = self._redirect(client, given.get("redirect_uri", []))
        wanted: Sequence[str] = ()
        challenge, failure = "", None
        try:
            wanted, challenge = self._terms(client, given)
        except (InvalidRequest, InvalidScope, InvalidTarget, UnsupportedResponseType) as error:
            failure = error
        return Asked(
            client=client,
            redirect=redirect,
            scopes=wanted,
            resource=self._addresses.resource,
            challenge=challenge,
            state=given.get("state", [None])[0],
            failure=failure,
        )

    async def allow(self, asked: Asked, *, given: Sequence[str], account_id: int, issuer: str | None) -> str:
        """Return the address that leads the browser back with a code for the scopes that somebody gives.

        Raises the failure of the authorization, and InvalidScope for scopes that were not asked for.
        """
        if asked.failure is not None:
            raise asked.failure
        if not given or not set(given) <= set(asked.scopes):
            raise InvalidScope(f"The program asks for {' '.join(asked.scopes)}; allow one of these at least.")
        agreed = Agreed(
            account_id=account_id,
            client_id=asked.client.id,
            redirect_uri=asked.redirect.uri,
            scopes=[scope for scope in asked.scopes if scope in given],
            resource=asked.resource,
            issuer=issuer,
        )
        async with self._database.transaction() as session:
            code = await codes.create(session, agreed, challenge=asked.challenge)
        return self._answer(asked, {"code": code})

    def refusal(self, asked: Asked) -> str:
        """Return the address that leads the browser back without a code, with the reason."""
        if asked.failure is None:
            return self._answer(asked, {"error": DENIED, "error_description": "The person did not allow it."})
        return self._answer(asked, {"error": asked.failure.code, "error_description": asked.failure.message})

    def _answer(self, asked: Asked, parameters: dict[str, str]) -> str:
        if asked.state is not None:
            parameters["state"] = asked.state
        return redirects.with_parameters(asked.redirect.uri, parameters | {"iss": self._addresses.issuer})

    def _redirect(self, client: Client, given: Sequence[str]) -> Redirect:
        if not given and len(client.redirect_uris) == 1:
            given = client.redirect_uris
        if len(given) != 1 or not redirects.is_registered(given[0], client.redirect_uris):
            raise InvalidRedirectUri(
                "The address that the program wants to be called back at is none that it registered."
            )
        redirect = redirects.parse(given[0])
        if not redirects.is_allowed(redirect, self._hosts):
            raise InvalidRedirectUri(f"Programs may not lead browsers to {redirect.host} here.")
        return redirect

    def _terms(self, client: Client, given: dict[str, list[str]]) -> tuple[Sequence[str], str]:
        """Return the scopes and the challenge. Raises what is to be told to the program."""
        one = _single(given)
        if one.get("response_type") != "code":
            raise UnsupportedResponseType
        challenge = one.get("code_challenge", "")
        if one.get("code_challenge_method") != pkce.METHOD or not pkce.is_challenge(challenge):
            raise InvalidRequest("PKCE is needed: code_challenge_method=S256 and a code_challenge of 43 characters.")
        require_target(one.get("resource"), self._addresses.resource)
        return scopes.requested(one.get("scope"), allowed=client.scopes), challenge


def require_target(resource: str | None, own: str) -> None:
    """Raise InvalidTarget for another resource than the one there is; None stands for that (RFC 8707)."""
    if resource not in (None, own):
        raise InvalidTarget(f"Tokens are given for the resource {own} only, written exactly so.")


def _parameters(query: str) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=False, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise InvalidRequest(f"The address has more than {MAX_PARAMETERS} parameters.") from error
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return given


def _single(given: dict[str, list[str]]) -> dict[str, str]:
    for name, values in given.items():
        if len(values) > 1:
            raise InvalidRequest(f"The parameter {name[:40]} is there more than once.")
        if len(values[0]) > MAX_CHARACTERS and name not in ("client_id", "redirect_uri", "resource"):
            raise InvalidRequest(f"The parameter {name[:40]} has more than {MAX_CHARACTERS:,} characters.")
    return {name: values[0] for name, values in given.items()}
