"""People whom the reverse proxy before the server has signed in, as its header names them."""

from dataclasses import dataclass

from starlette.requests import Request

from echoic.accounts.admission import PROXY
from echoic.accounts.names import normal_name
from echoic.accounts.proxied import is_name
from echoic.api.peers import peer_of
from echoic.compose import Components
from echoic.db.accounts import identities
from echoic.db.accounts.identities import FoundIdentity
from echoic.errors import FieldInvalid


@dataclass(frozen=True, slots=True)
class ProxiedPerson:
    """Somebody whom the proxy names."""

    name: str


def proxied_person(request: Request, components: Components) -> ProxiedPerson | None:
    """Return the person whom the proxy names; None where the request does not come from it, or it names nobody.

    Raises FieldInvalid where it names several, or what cannot be a name.
    """
    proxy = components.trusted_proxy
    if proxy is None or not proxy.believes(peer_of(request)):
        return None
    values = [value.strip() for value in request.headers.getlist(proxy.header)]
    if not any(values):
        return None
    name = _decoded(values[0])
    if len(values) > 1 or name is None or not is_name(name):
        raise FieldInvalid(f"The header {proxy.header} must name one person, in up to 200 printable characters.")
    return ProxiedPerson(name)


async def account_of(person: ProxiedPerson, components: Components) -> FoundIdentity:
    """The account of somebody whom the proxy names, which is made the first time. Raises AccountLocked."""
    subject = normal_name(person.name)
    found = await identities.find_open(components.database, issuer=PROXY, subject=subject)
    if found is not None:
        return found
    async with components.database.transaction() as session:
        await components.admission.by_proxy(session, person.name)
    return await account_of(person, components)


def _decoded(value: str) -> str | None:
    """The text of a header, which Starlette reads as Latin-1; proxies send names in UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
