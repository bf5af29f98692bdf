"""The names under which this server is asked: a page of another site must not reach it through a name of its own.

A page can have its name point at this machine (DNS rebinding), so the transport refuses names that are not listed.
"""

from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings

from echoic.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_INTERFACE = ("0.0.0.0", "::", "")  # noqa: S104 - names of no host are told apart here, nothing listens
PORTS = {"http": 80, "https": 443}


def own_names(settings: Settings) -> TransportSecuritySettings:
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
    return TransportSecuritySettings(enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=origins)


def knows(names: TransportSecuritySettings, host: str) -> bool:
    """Return whether a request names this server by one of these hosts; ``:*`` stands for any port."""
    return any(host == name or (name.endswith(":*") and host.startswith(name[:-1])) for name in names.allowed_hosts)
