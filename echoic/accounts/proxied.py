"""People whom a reverse proxy has signed in. It names them in a header, which is believed from the proxy's networks alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from echoic.errors import SettingInvalid
from echoic.settings import Settings
from echoic.text.visible import is_visible

MAX_NAME_CHARACTERS = 200
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_GENERAL = frozenset({"host", "origin", "cookie", "authorization", "user-agent", "x-forwarded-for", "x-real-ip"})
"""Headers that clients or proxies send with another meaning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedProxy:
    """The header, and who may send it."""

    header: str
    """In lower case."""
    networks: Sequence[IPv4Network | IPv6Network]

    @classmethod
    def of(cls, settings: Settings) -> "TrustedProxy | None":
        """Return what the settings say; None: no proxy is believed. Raises SettingInvalid."""
        header, given = settings.proxy_user_header, settings.proxy_networks
        if header is None and not given:
            return None
        if header is None or not given:
            raise SettingInvalid("ECHOIC_PROXY_USER_HEADER and ECHOIC_PROXY_NETWORKS go together: set both or none.")
        if not _HEADER.fullmatch(header) or header.lower() in _GENERAL:
            raise SettingInvalid("ECHOIC_PROXY_USER_HEADER must be a header that names people, as Remote-User.")
        return cls(header=header.lower(), networks=[_network(text) for text in given])

    def believes(self, peer: str | None) -> bool:
        """Return whether the other end of a connection is the proxy."""
        try:
            address = ip_address((peer or "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def is_name(text: str) -> bool:
    """Return whether a value of the header can be the name of somebody."""
    return 0 < len(text) <= MAX_NAME_CHARACTERS and text.isprintable() and is_visible(text)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise SettingInvalid(
            f"ECHOIC_PROXY_NETWORKS: {text!r} is no address and no network, as 127.0.0.1 or 10.1.2.0/24."
        ) from error
    if network.prefixlen == 0:
        raise SettingInvalid("ECHOIC_PROXY_NETWORKS: everybody on the network could say that they are anybody.")
    return network
