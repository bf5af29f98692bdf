"""The addresses that a given URL may lead to: an explicit table, and networks that the operator allows. Pure.

The table is our own because the standard library's flags (``is_global`` …) change between Python versions. Sources:
IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry) and the metadata addresses the cloud vendors document.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from echoic.errors import AudioUrlInvalid, SettingInvalid, UrlForbidden
from echoic.intake.audio_url import normal_host

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

FORBIDDEN_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a cloud's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent, in the midst of public addresses
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that IANA hands out to hosts. Outside of it lie unspecified, loopback, unique local (with fd00:ec2::254, a cloud's
metadata), link-local, site-local, multicast, discard, IPv4-compatible and -translated, and NAT64 for local use, which
leads wherever the operator of the translator wants and therefore counts as internal as a whole."""

FORBIDDEN_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID …
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")
_ISATAP_ID = 0x00005EFE
_ISATAP_FLAGS = 0x03000000
"""The universal and the group bit of an interface identifier, which may be set or not."""
_32_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class AllowList:
    """The internal networks that the operator allows; empty by default."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """Networks (``10.1.0.0/16``), addresses and host names. Raises SettingInvalid for anything else."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                hosts.add(_host(entry))
        return cls(tuple(networks), frozenset(hosts))

    def holds(self, address: Address) -> bool:
        """Return whether the address lies in one of the networks."""
        return any(address in network for network in self.networks)


def check_address(address: Address, allowed: AllowList = AllowList()) -> None:
    """Raise UrlForbidden unless the address, and an IPv4 address that it carries, is public or allowed.

    The error never says which address it was: that would answer questions about the network behind this server.
    """
    if allowed.holds(address):
        return
    if any(_is_forbidden(reached) and not allowed.holds(reached) for reached in unwrapped(address)):
        raise UrlForbidden


def unwrapped(address: Address) -> tuple[Address, ...]:
    """The addresses that decide: for IPv6 that carries IPv4, the address carried, where a tunnel's own counts, both.

    Mapped and NAT64 addresses (RFC 4291, 6052) are nothing but the IPv4 address they carry. 6to4 (RFC 3056) and ISATAP
    (RFC 5214) carry one within an IPv6 network. The other kinds that carry one are forbidden whatever it is.
    """
    if isinstance(address, IPv4Address):
        return (address,)
    number = int(address)
    if address in _MAPPED or address in _NAT64:
        return (IPv4Address(number & _32_BITS),)
    if address in _6TO4:
        return (address, IPv4Address(number >> 80 & _32_BITS))
    if number >> 32 & _32_BITS & ~_ISATAP_FLAGS == _ISATAP_ID:
        return (address, IPv4Address(number & _32_BITS))
    return (address,)


def parse_address(text: str) -> Address | None:
    """Return the address that a host in its normal form is, or None for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_forbidden(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in FORBIDDEN_IPV4)
    return address not in GLOBAL_IPV6 or any(address in network for network in FORBIDDEN_IPV6)


def _host(entry: str) -> str:
    try:
        return normal_host(entry)
    except AudioUrlInvalid as error:
        raise SettingInvalid(
            f"ECHOIC_FETCH_ALLOWED_NETWORKS: '{entry}' is neither a network nor a host name."
        ) from error
