"""The parts of the authorization server, and its upkeep."""

from dataclasses import dataclass
from typing import Self

from echoic.db.connect import Database
from echoic.db.oauth import clients, codes, grants, tokens
from echoic.intake.egress import Egress
from echoic.oauth.addresses import Addresses
from echoic.oauth.authorization import Authorizations
from echoic.oauth.clients import Clients
from echoic.oauth.exchange import Exchange
from echoic.settings import Settings

INTERVAL_SECONDS = 3_600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationServer:
    """The open parts."""

    addresses: Addresses
    clients: Clients
    authorizations: Authorizations
    exchange: Exchange

    @classmethod
    def of(cls, settings: Settings, database: Database, egress: Egress) -> Self | None:
        """Return the server as the settings have it; None where it cannot know its own address."""
        addresses = Addresses.of(settings)
        if addresses is None:
            return None
        hosts = settings.oauth_redirect_hosts
        own_clients = Clients(database, egress, hosts=hosts)
        return cls(
            addresses=addresses,
            clients=own_clients,
            authorizations=Authorizations(database, own_clients, addresses, hosts=hosts),
            exchange=Exchange(database, addresses),
        )


async def forget_expired(database: Database) -> None:
    """Remove what has run out: codes, tokens, grants, and clients that nobody has connected."""
    async with database.transaction() as session:
        await codes.forget_expired(session)
        await tokens.forget_expired(session)
        await grants.forget_expired(session)
        await clients.forget_unused(session)
