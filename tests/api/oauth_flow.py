"""What the tests of OAuth share: a client that speaks the protocol, a person who consents, and grants made without either."""

import base64
import dataclasses
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.api.app import create_app
from echoic.compose import Components
from echoic.db.oauth import clients, grants, tokens
from echoic.db.oauth.clients import Described
from echoic.db.oauth.grants import Agreed, Grant
from echoic.errors import Unauthorized
from echoic.intake.egress import Egress
from echoic.oauth.bearer import by_access_token
from echoic.oauth.server import AuthorizationServer
from echoic.settings import Settings
from tests.factories import Tenant

ISSUER = "http://localhost:8080"
RESOURCE = f"{ISSUER}/mcp"
BACK = "http://127.0.0.1:7777/callback"
HOSTED = "https://agent.example/callback"


async def connected(
    session: AsyncSession,
    tenant: Tenant,
    *,
    scopes: tuple[str, ...] = ("read", "write"),
    resource: str = RESOURCE,
    client_id: str = "client-1",
    issuer: str | None = None,
) -> Grant:
    """A program that the tenant has connected."""
    client = await clients.find(session, client_id)
    if client is None:
        described = Described(
            redirect_uris=[BACK], grant_types=["authorization_code"], auth_method="none", name="Agent", told={}
        )
        client = await clients.register(session, described, client_id=client_id, secret_sha256=None)
    agreed = Agreed(
        account_id=tenant.account_id,
        client_id=client.id,
        redirect_uri=BACK,
        scopes=scopes,
        resource=resource,
        issuer=issuer,
    )
    return await grants.create(session, agreed, seconds=grants.IDLE_SECONDS)


async def access_token(components: Components, tenant: Tenant, **granted: Any) -> str:
    """A token of a program that the tenant has connected."""
    async with components.database.transaction() as session:
        grant = await connected(session, tenant, **granted)
        return await tokens.create(session, grant_id=grant.id, kind="access", scopes=grant.scopes)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Program:
    """A program that registered, and asks."""

    client: httpx.AsyncClient
    """Without cookies and keys."""
    client_id: str
    secret: str | None = None
    back: str = BACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def query(self, **changes: str | None) -> str:
        """The query of the authorization; None leaves a parameter out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": "kept",
            "scope": "read write",
            "resource": RESOURCE,
        }
        merged = parameters | changes
        return urlencode({name: value for name, value in merged.items() if value is not None})

    async def exchange(self, code: str, **changes: str | None) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": self.verifier,
            "resource": RESOURCE,
        }
        return await self.ask("/oauth/token", fields | changes)

    async def refresh(self, token: str, **changes: str | None) -> httpx.Response:
        return await self.ask("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token} | changes)

    async def revoke(self, token: str) -> httpx.Response:
        return await self.ask("/oauth/revoke", {"token": token})

    async def ask(self, path: str, fields: dict[str, Any]) -> httpx.Response:
        own = {"client_id": self.client_id, "client_secret": self.secret} | fields
        return await self.client.post(path, data={name: value for name, value in own.items() if value is not None})


async def registered(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    """Register as a program on the device does."""
    description = {"redirect_uris": [BACK], "token_endpoint_auth_method": "none", "client_name": "Agent"}
    return await client.post("/oauth/register", json=description | changes)


async def program(client: httpx.AsyncClient, **changes: Any) -> Program:
    answer = await registered(client, **changes)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return Program(client, made["client_id"], secret=made.get("client_secret"), back=made["redirect_uris"][0])


async def allowed(page: httpx.AsyncClient, query: str, scopes: tuple[str, ...] = ("read", "write")) -> dict[str, str]:
    """Consent in the browser of somebody; returns the parameters that lead back."""
    answer = await page.post("/api/authorizations", json={"query": query, "scopes": list(scopes)})
    assert answer.status_code == 200, answer.text
    return parameters_of(answer.json()["url"])


async def looked(page: httpx.AsyncClient, query: str) -> httpx.Response:
    return await page.post("/api/authorizations/look", json={"query": query})


def parameters_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


async def works(components: Components, token: str) -> bool:
    """Return whether a token opens the MCP endpoint."""
    try:
        await by_access_token(token, components.database, resource=RESOURCE)
    except Unauthorized:
        return False
    return True


def under(components: Components, **changes: object) -> httpx.AsyncClient:
    """A client of the application with other settings."""
    settings = Settings(**{**components.settings.model_dump(), **changes}, _env_file=None)
    oauth = AuthorizationServer.of(settings, components.database, Egress())
    app = create_app(dataclasses.replace(components, settings=settings, oauth=oauth))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://echoic.test")
