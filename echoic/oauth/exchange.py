"""Tokens for codes and for refresh tokens, and their end (RFC 6749, 7009).

A refresh token is used once, and gives the next one. Who uses a code or a refresh token a second time has it from somewhere
else, so all that it gave ends: nobody can tell which of the two is the thief (RFC 9700, section 4.14).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.accounts import guessing
from echoic.accounts.guessing import Pace
from echoic.db.connect import Database
from echoic.db.oauth import clients, codes, grants, tokens
from echoic.db.oauth.clients import Client
from echoic.db.oauth.codes import UsedCode
from echoic.db.oauth.grants import Grant
from echoic.errors import InvalidGrant, UnauthorizedClient
from echoic.oauth import pkce, scopes
from echoic.oauth.addresses import Addresses
from echoic.oauth.authorization import require_target
from echoic.oauth.descriptions import REFRESH_GRANT

ASKING = Pace(at_once=120, seconds_each=1.0)
"""For each network address; hosted programs renew the tokens of all their users from few addresses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """Tokens that have just been made; they cannot be had again."""

    access_token: str
    refresh_token: str | None
    scopes: Sequence[str]


class Exchange:
    """Gives tokens to clients whose identity is certain already."""

    def __init__(self, database: Database, addresses: Addresses) -> None:
        self._database = database
        self._addresses = addresses

    async def count(self, address: str | None) -> None:
        """Count a request for tokens. Raises RateLimited."""
        await guessing.count_request(self._database, kind="oauth-token", of=address, pace=ASKING)

    async def by_code(
        self, client: Client, code: str, *, verifier: str, redirect_uri: str | None, resource: str | None
    ) -> Issued:
        """Return tokens for a code. It is used up, whether or not everything else is right.

        ``redirect_uri`` may be left out, as OAuth 2.1 does; where it is there, it must be that of the authorization.
        Raises InvalidGrant, InvalidTarget.
        """
        require_target(resource, self._addresses.resource)
        async with self._database.transaction() as session:
            used = await codes.use(session, code)
            if used is not None and _fits(used, client, verifier=verifier, redirect_uri=redirect_uri):
                has_refresh = REFRESH_GRANT in client.grant_types
                seconds = grants.IDLE_SECONDS if has_refresh else float(tokens.ACCESS_SECONDS)
                grant = await grants.create(session, used.agreed, seconds=seconds)
                await codes.note_given(session, used, grant)
                return await _issue(session, client, grant, grant.scopes)
        if used is None:
            async with self._database.transaction() as session:
                await codes.end_given(session, code)
        raise InvalidGrant

    async def by_refresh(self, client: Client, token: str, *, scope: str | None, resource: str | None) -> Issued:
        """Return tokens for a refresh token. Raises InvalidGrant, InvalidTarget, InvalidScope, UnauthorizedClient."""
        if REFRESH_GRANT not in client.grant_types:
            raise UnauthorizedClient
        require_target(resource, self._addresses.resource)
        async with self._database.transaction() as session:
            found = await tokens.find(session, token)
            if found is not None and found.kind == "refresh" and found.grant.client_id == client.id:
                if not found.was_used:
                    wanted = scopes.narrowed(scope, granted=found.grant.scopes)
                    await tokens.mark_used(session, found)
                    await grants.prolong(session, found.grant)
                    await clients.touch(session, client)
                    return await _issue(session, client, found.grant, wanted)
                await grants.end(session, found.grant.id)
        raise InvalidGrant

    async def revoke(self, client: Client, token: str) -> None:
        """End a token; with a refresh token all that it belongs to. One that is not known is no error (RFC 7009).

        Raises InvalidGrant for a token of another client.
        """
        async with self._database.transaction() as session:
            found = await tokens.find(session, token)
            if found is None:
                return
            if found.grant.client_id != client.id:
                raise InvalidGrant
            if found.kind == "refresh":
                await grants.end(session, found.grant.id)
            else:
                await tokens.end(session, found)


def _fits(used: UsedCode, client: Client, *, verifier: str, redirect_uri: str | None) -> bool:
    """Return whether a code is used by the client that it was given to, as it was asked for."""
    return (
        used.agreed.client_id == client.id
        and redirect_uri in (None, used.agreed.redirect_uri)
        and pkce.proves(verifier, challenge=used.challenge)
    )


async def _issue(session: AsyncSession, client: Client, grant: Grant, wanted: Sequence[str]) -> Issued:
    access = await tokens.create(session, grant_id=grant.id, kind="access", scopes=wanted)
    refresh = None
    if REFRESH_GRANT in client.grant_types:
        refresh = await tokens.create(session, grant_id=grant.id, kind="refresh", scopes=grant.scopes)
    return Issued(access_token=access, refresh_token=refresh, scopes=wanted)
