"""The names under which this server is asked: a page of another site must not reach it through a name of its own.

A page can have its name point at this machine (DNS rebinding), so the transport refuses names that are not listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from echoic.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_INTERFACE = ("0.0.0.0", "::", "")  # noqa: S104 - names of no host are told apart here, nothing listens
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class OwnNames:
    """The hosts and the origins that requests may name; ``:*`` stands for any port."""

    allowed_hosts: list[str]
    allowed_origins: list[str]


def own_names(settings: Settings) -> OwnNames:
    """Return the hosts and the origins that requests may name: the public URL, the address listened on, and loopback."""
    hosts = [name for host in LOOPBACK for name in (host, f"{host}:*")]
    origins = [f"{scheme}://{host}" for scheme in PORTS for host in hosts]
    if settings.host not in (*EVERY_INTERFACE, *LOOPBACK):
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        hosts += [host, f"{host}:*"]
        origins += [f"http://{host}", f"http://{host}:*"]
    if settings.public_url is not None:
        public = urlsplit(settings.public_url)
        host = f"[{public.hostname}]" if ":" in (public.hostname or "") else (public.hostname or "")
        port = public.port or PORTS[public.scheme]
        # Clients leave the scheme's own port out, proxies may add it.
        named = [f"{host}:{port}", *([host] if port == PORTS[public.scheme] else [])]
        hosts += named
        origins += [f"{public.scheme}://{name}" for name in named]
    return OwnNames(allowed_hosts=hosts, allowed_origins=origins)


def is_listed(names: Sequence[str], given: str) -> bool:
    """Return whether a host or an origin is one of these; the library compares beginnings, where a name has any port."""
    named, _, port = given.rpartition(":")
    return given in names or (f"{named}:*" in names and port.isascii() and port.isdigit())
