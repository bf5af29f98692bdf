"""The claims of an OpenID Connect provider about a person, as far as they matter here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """A person as the provider's ID token tells."""

    issuer: str
    subject: str
    name: str
    """Shown to others."""
    email: str | None
    """None where the provider does not say that it verified the address."""
    groups: frozenset[str]
