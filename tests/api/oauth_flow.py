"""What the tests of OAuth share: grants made without a browser, and clients."""

from echoic.compose import Components
from echoic.db.oauth import clients, grants, tokens
from echoic.db.oauth.clients import Described
from echoic.db.oauth.grants import Agreed
from tests.factories import Tenant

RESOURCE = "http://localhost:8080/mcp"
BACK = "http://127.0.0.1:7777/callback"


async def access_token(
    components: Components,
    tenant: Tenant,
    *,
    scopes: tuple[str, ...] = ("read", "write"),
    resource: str = RESOURCE,
    client_id: str = "client-1",
) -> str:
    """A token of a program that the tenant has connected."""
    async with components.database.transaction() as session:
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
            issuer=None,
        )
        grant = await grants.create(session, agreed)
        return await tokens.create(session, grant_id=grant.id, kind="access", scopes=scopes)
