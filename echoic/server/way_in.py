"""The link that ``echoic serve`` gives the installation's owner: it signs a browser in, once."""

import ipaddress

from echoic.api.page import sign_in_link as sign_in_url
from echoic.compose import Components
from echoic.db.accounts import administrators, sign_in_tokens
from echoic.settings import Settings


async def sign_in_link(components: Components, host: str, port: int) -> str | None:
    """Return a link for the first administrator; None where no browser may sign in under an address of this server."""
    base = page_address(host, port, components.settings)
    if base is None:
        return None
    async with components.database.transaction() as session:
        owner = await administrators.first(session)
        if owner is None:
            return None
        token, _ = await sign_in_tokens.create(session, owner.id)
    return sign_in_url(base, token)


def page_address(host: str, port: int, settings: Settings) -> str | None:
    """Return the address at which a browser may sign in: ECHOIC_PUBLIC_URL, or else one of this machine's own.

    Returns None if the setting is missing and the server listens on one address of the network only.
    """
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_unspecified:
        return f"http://localhost:{port}"
    if not address.is_loopback:
        return None
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
