"""The addresses of the authorization server and of the resource that it protects. From the settings, never from a request."""

from dataclasses import dataclass
from typing import Self

from echoic.settings import Settings

RESOURCE_PATH = "/mcp"
"""Clients compare the address of the resource character by character, so it has no slash at its end."""
AUTHORIZE_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
REGISTER_PATH = "/oauth/register"
REVOKE_PATH = "/oauth/revoke"
SERVER_METADATA_PATH = "/.well-known/oauth-authorization-server"
RESOURCE_METADATA_PATH = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """The addresses of one installation."""

    issuer: str
    """The server's own address, without a slash at its end."""

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Return the addresses under the public URL; without one, those on this machine. None: the port is not known."""
        if settings.public_url is not None:
            return cls(issuer=settings.public_url.rstrip("/"))
        return cls(issuer=f"http://localhost:{settings.port}") if settings.port else None

    @property
    def resource(self) -> str:
        """Return the address of the MCP endpoint, which is the audience of every token."""
        return f"{self.issuer}{RESOURCE_PATH}"

    @property
    def resource_metadata(self) -> str:
        """Return the address of the description of the resource (RFC 9728), which a 401 of the endpoint names."""
        return f"{self.issuer}{RESOURCE_METADATA_PATH}{RESOURCE_PATH}"
