"""The whole application: the API, and the doors that speak other protocols."""

from echoic.accounts.callers import Use, by_key
from echoic.api.app import create_app
from echoic.api.openapi import DocumentedApi
from echoic.compose import Components
from echoic.db.accounts.accounts import KEY_PREFIX
from echoic.mcp_server.door import TokenCheck, add_mcp
from echoic.oauth.addresses import Addresses
from echoic.oauth.bearer import by_access_token


def whole_application(components: Components) -> DocumentedApi:
    """Return the application over open components, as ``create_app``; it works within its lifespan alone."""
    app = create_app(components)
    addresses = None if components.oauth is None else components.oauth.addresses
    add_mcp(
        app,
        components,
        check=bearers(components, addresses),
        metadata_url=None if addresses is None else addresses.resource_metadata,
    )
    return app


def bearers(components: Components, addresses: Addresses | None) -> TokenCheck:
    """Return the check of what agents come with: an API key, or an access token for this resource."""

    async def check(token: str) -> Use:
        if token.startswith(KEY_PREFIX) or addresses is None:
            return await by_key(token, components.database)
        return (await by_access_token(token, components.database, resource=addresses.resource)).use

    return check
