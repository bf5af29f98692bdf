"""Web origins: how browsers write them, and which of them may use this server from their own pages. Pure.

The terms are those of the CORS protocol, https://fetch.spec.whatwg.org/#http-cors-protocol, and of RFC 6454, section 6.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

import idna

from echoic.errors import SettingInvalid

ANY = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_535

_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#@:\s]+)(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins whose pages may use the API with a key."""

    named: frozenset[str] = frozenset()
    is_any: bool = False

    @classmethod
    def parse(cls, given: Sequence[str]) -> "Origins":
        """Read the setting ECHOIC_CORS_ORIGINS. Raises SettingInvalid."""
        if ANY not in given:
            try:
                return cls(named=frozenset(map(normal_origin, given)))
            except ValueError as error:
                raise SettingInvalid(f"ECHOIC_CORS_ORIGINS: {error}.") from error
        if set(given) != {ANY}:
            raise SettingInvalid("ECHOIC_CORS_ORIGINS: '*' allows every origin; name no other beside it.")
        return cls(is_any=True)

    @property
    def is_empty(self) -> bool:
        """Return whether no page of another origin may use the API."""
        return not (self.named or self.is_any)

    def allows(self, origin: str | None) -> bool:
        """Return whether the pages of an origin may; browsers write an origin in one form only, so it is compared as it is."""
        return origin is not None and (self.is_any or origin in self.named)


NO_ORIGINS = Origins()


def normal_origin(text: str) -> str:
    """Return an origin in the form in which browsers send it: small letters, IDN as Punycode, without a usual port.

    Raises ValueError for what is no origin; the message says what is wrong with it.
    """
    if text.lower() == "null":
        raise _wrong(text, "stands for every page without an origin, such as a file; only '*' allows these")
    if "*" in text:
        raise _wrong(text, "has a '*'; it stands alone, for every origin")
    parts = _ORIGIN.fullmatch(text)
    if parts is None:
        raise _wrong(text, "is no origin: write scheme, host and port alone, as https://app.example.org:8443")
    scheme, port = parts["scheme"].lower(), parts["port"]
    if scheme == "file":
        raise _wrong(text, "is none: browsers give files no origin; only '*' allows these")
    number = None if port is None else int(port)
    if number is not None and not 1 <= number <= MAX_PORT:
        raise _wrong(text, f"has a port that is not within 1 to {MAX_PORT:,}")
    shown = "" if number is None or number == DEFAULT_PORTS.get(scheme) else f":{number}"
    return f"{scheme}://{_normal_host(parts['host'], text)}{shown}"


def _normal_host(host: str, text: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError as error:
            raise _wrong(text, "has no valid IPv6 address") from error
    if not host.isascii():
        try:
            # By UTS 46, as in browsers.
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise _wrong(text, "has a host name that cannot be read") from error
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise _wrong(text, "has no valid host name")
    return host


def _wrong(text: str, fault: str) -> ValueError:
    return ValueError(f"{text!r} {fault}")
