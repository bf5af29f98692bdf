"""The addresses of webhooks: read as those of recordings are, and kept from what only this server can reach."""

from ipaddress import IPv4Address, IPv6Address

from echoic.errors import AudioUrlInvalid, UrlForbidden, WebhookUrlInvalid
from echoic.intake.audio_url import AudioUrl, parse_audio_url
from echoic.intake.egress import Egress
from echoic.intake.networks import Address, check_address, parse_address

LOCALHOST = "localhost"
"""With all names below it, it is this machine, whoever is asked (RFC 6761, section 6.3)."""


def checked_url(text: str, egress: Egress) -> AudioUrl:
    """Read an address that somebody wants to be told at.

    A name is resolved and checked at every attempt only: what it leads to may change.

    Raises:
        WebhookUrlInvalid: it is no https address.
        UrlForbidden: it is an internal one without being resolved, and the operator has not allowed it.
    """
    try:
        url = parse_audio_url(text)
    except AudioUrlInvalid as error:
        raise WebhookUrlInvalid(error.message.replace("audio_url", "url").replace("audio URL", "URL")) from error
    if url.host not in egress.allowed.hosts:
        for address in _known_addresses(url.host):
            try:
                check_address(address, egress.allowed)
            except UrlForbidden as error:
                raise UrlForbidden(
                    "The URL points to an address that is not allowed. The operator of this server can allow it by "
                    "ECHOIC_FETCH_ALLOWED_NETWORKS."
                ) from error
    return url


def _known_addresses(host: str) -> tuple[Address, ...]:
    """Return the addresses of a host that are known without asking anybody."""
    if host == LOCALHOST or host.endswith(f".{LOCALHOST}"):
        return (IPv4Address("127.0.0.1"), IPv6Address("::1"))
    literal = parse_address(host)
    return () if literal is None else (literal,)
