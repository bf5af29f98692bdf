"""The check that a request comes from a page of this server: sessions and signing in need Host, Origin, Sec-Fetch-Site.

A browser sends cookies also with requests that another site's page makes. A page of a name that its owner points at
this machine, as in DNS rebinding, is of one origin with the server; it is told apart by Host alone. Requests with an API key
need none of this, for no browser adds a key by itself.
"""

import ipaddress
from dataclasses import dataclass
from http import HTTPMethod
from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request

from echoic.api.context import components_of
from echoic.errors import HostNotAllowed, OriginNotAllowed

PAGE_HEADER = "X-Echoic-Request"
"""A page of another origin cannot add a header without asking first, and is never told yes (CORS)."""
SAFE_METHODS = (HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS)
OWN_FETCH_SITES = ("same-origin", "none")
"""Values of Sec-Fetch-Site that are let through; ``none`` is an address that a person typed or chose.

See https://www.w3.org/TR/fetch-metadata/.
"""
LOOPBACK_NAME = "localhost"
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnAddress:
    """The address under which a browser reached this server."""

    origins: tuple[str, ...]
    """The origins that our pages under this address send."""
    is_secure: bool
    """True where the browser speaks TLS."""


def own_address(request: Request) -> OwnAddress:
    """The address that a request was sent to, where it is the public URL or a name of this machine itself.

    Raises HostNotAllowed.
    """
    asked = _parsed(f"{request.url.scheme}://{request.headers.get('host', '')}")
    public_url = components_of(request).settings.public_url
    public = None if public_url is None else _parsed(public_url)
    if asked is None:
        raise HostNotAllowed
    if public is not None and asked.hostname == public.hostname and _is_port_of(asked, public):
        # The proxy before the server may speak http to it and say nothing of the browser's https.
        return OwnAddress(origins=(_origin(public),), is_secure="https" in (public.scheme, asked.scheme))
    if not _is_loopback(asked.hostname or ""):
        raise HostNotAllowed
    # A proxy on this machine may ask under this machine's name instead of the name that the browser asked for.
    origins = (_origin(asked),) if public is None else (_origin(asked), _origin(public))
    return OwnAddress(origins=origins, is_secure=asked.scheme == "https")


def require_own_page(request: Request, own: OwnAddress) -> None:
    """Raise OriginNotAllowed for a write that no page of this server sends, and for what another site's page reads."""
    fetched_from = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if request.method in SAFE_METHODS:
        if origin not in (None, *own.origins):
            raise OriginNotAllowed("Pages of other origins may not read here with a session; use an API key.")
        # Also within one site: any other server on this machine is of the same.
        if fetched_from not in (None, *OWN_FETCH_SITES) and request.headers.get("sec-fetch-mode") != "navigate":
            raise OriginNotAllowed("Pages of other servers may not read here with a session.")
        return
    if fetched_from not in (None, "same-origin") or origin not in (None, *own.origins):
        raise OriginNotAllowed
    if fetched_from is None and origin is None:
        raise OriginNotAllowed("A request with a session says where it comes from: send the header Origin.")
    if not request.headers.get(PAGE_HEADER):
        raise OriginNotAllowed(f"A request with a session needs the header {PAGE_HEADER}, with any value.")


def _parsed(url: str) -> SplitResult | None:
    try:
        parsed = urlsplit(url)
        return parsed if parsed.hostname and (parsed.port or PORTS[parsed.scheme]) else None
    except ValueError:
        return None


def _is_port_of(asked: SplitResult, public: SplitResult) -> bool:
    return (asked.port or PORTS[public.scheme]) == (public.port or PORTS[public.scheme])


def _origin(url: SplitResult) -> str:
    """An origin as browsers send it: a port is named only where it is not the scheme's own."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    port = "" if url.port in (None, PORTS[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{host}{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == LOOPBACK_NAME
