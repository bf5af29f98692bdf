"""Clients: registered, described by their own documents, and made sure of where they ask for tokens."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from echoic.accounts import guessing
from echoic.accounts.guessing import Pace
from echoic.db.accounts.accounts import hash_key
from echoic.db.connect import Database
from echoic.db.oauth import clients
from echoic.db.oauth.clients import Client
from echoic.errors import InvalidClient, ProgramUnknown
from echoic.intake.egress import Egress
from echoic.oauth import descriptions, documents

ID_PREFIX = "client_"
ID_BYTES = 16
NUL = "\0"
"""No client_id holds it, and the database takes no text with it."""
SECRET_PREFIX = "ecs_"  # noqa: S105 - what tells a client's secret from other secrets
SECRET_BYTES = 32
REGISTERING = Pace(at_once=30, seconds_each=20.0)
"""For each network address; hosted programs register from few addresses, once for each of their users."""
FETCHING = Pace(at_once=20, seconds_each=30.0)
"""Of documents, for each account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """A client that has just registered; its secret cannot be had again."""

    client: Client
    secret: str | None
    """None: it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """The name of a client, and the secret by which it shows that it is this client."""

    client_id: str
    secret: str | None


class Clients:
    """The clients of this installation."""

    def __init__(self, database: Database, egress: Egress, *, hosts: Sequence[str]) -> None:
        self._database = database
        self._egress = egress
        self._hosts = hosts

    async def register(self, fields: Mapping[str, Any], *, address: str | None) -> Registered:
        """Keep a client that describes itself (RFC 7591).

        Raises RateLimited, InvalidRedirectUri and InvalidClientMetadata.
        """
        await guessing.count_request(self._database, kind="oauth-register", of=address, pace=REGISTERING)
        described = descriptions.read(fields, hosts=self._hosts)
        has_secret = described.auth_method != descriptions.NONE
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES) if has_secret else None
        async with self._database.transaction() as session:
            client = await clients.register(
                session,
                described,
                client_id=ID_PREFIX + secrets.token_urlsafe(ID_BYTES),
                secret_sha256=None if secret is None else hash_key(secret),
            )
        return Registered(client=client, secret=secret)

    async def for_authorization(self, client_id: str, *, account_id: int) -> Client:
        """Return the client that asks an account; its document is fetched where that was long ago.

        Raises ProgramUnknown, ProgramUnusable, and RateLimited where the account has too many documents fetched.
        """
        if NUL in client_id:
            raise ProgramUnknown
        if not documents.is_document(client_id):
            async with self._database.transaction() as session:
                client = await clients.find(session, client_id)
                if client is None:
                    raise ProgramUnknown
                await clients.touch(session, client)
            return client
        async with self._database.transaction() as session:
            client = await clients.find_fresh(session, client_id)
        if client is not None:
            return client
        documents.require_address(client_id)
        await guessing.count_request(self._database, kind="oauth-document", of=str(account_id), pace=FETCHING)
        described, fresh_seconds = await documents.fetch(client_id, self._egress, hosts=self._hosts)
        async with self._database.transaction() as session:
            return await clients.keep_document(session, described, client_id=client_id, fresh_seconds=fresh_seconds)

    async def authenticated(self, credentials: Credentials) -> Client:
        """Return the client that asks for tokens, where its secret is right. Raises InvalidClient."""
        if NUL in credentials.client_id:
            raise InvalidClient
        async with self._database.transaction() as session:
            client = await clients.find(session, credentials.client_id)
        if client is None:
            raise InvalidClient
        wanted = client.secret_sha256
        if (wanted is None) != (credentials.secret is None):
            raise InvalidClient(
                "The client has a secret and must send it."
                if wanted
                else "The client registered without a secret and must send none."
            )
        if wanted is not None and not hmac.compare_digest(hash_key(credentials.secret or ""), wanted):
            raise InvalidClient
        return client


def answer(registered: Registered) -> dict[str, Any]:
    """Return the answer to a registration: all that was kept, without fields that are absent (RFC 7591, section 3.2.1)."""
    client = registered.client
    fields: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.auth_method,
        "grant_types": client.grant_types,
        "response_types": [descriptions.RESPONSE_TYPE],
        **client.told,
    }
    if client.name is not None:
        fields["client_name"] = client.name
    if client.scopes is not None:
        fields["scope"] = " ".join(client.scopes)
    if registered.secret is not None:
        fields |= {"client_secret": registered.secret, "client_secret_expires_at": 0}
    return fields
