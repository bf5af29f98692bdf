"""The scopes of OAuth, and the scopes of keys that they stand for. Pure."""

from collections.abc import Collection, Sequence
from typing import Literal

from echoic.errors import InvalidScope

ProgramScope = Literal["read", "write"]

SCOPES: tuple[ProgramScope, ...] = ("read", "write")
KEY_SCOPES = {"read": "read", "write": "upload"}
"""No program may manage: make keys, remove libraries, change members."""


def key_scopes(scopes: Collection[str]) -> frozenset[str]:
    """Return the scopes of a key that may do the same."""
    return frozenset(KEY_SCOPES[scope] for scope in scopes if scope in KEY_SCOPES)


def program_scopes(scopes: Collection[str]) -> list[ProgramScope]:
    """Return the scopes that stand for these scopes of a key, in our order."""
    return [scope for scope in SCOPES if KEY_SCOPES[scope] in scopes]


def known(scopes: Collection[str]) -> list[ProgramScope]:
    """Return those that there are, in our order."""
    return [scope for scope in SCOPES if scope in scopes]


def requested(text: str | None, *, allowed: Collection[str] | None) -> Sequence[str]:
    """Return the scopes that a client asks for, in our order; None: all that it may ask for.

    Those that are not known here are left out (RFC 6749, section 3.3): clients ask many servers for the same.
    Raises InvalidScope where none is left.
    """
    wanted = SCOPES if text is None else text.split()
    found = [scope for scope in SCOPES if scope in wanted and (allowed is None or scope in allowed)]
    if not found:
        raise InvalidScope(f"None of the scopes asked for can be given; there are {' and '.join(SCOPES)}.")
    return found


def narrowed(text: str | None, *, granted: Sequence[str]) -> Sequence[str]:
    """Return the scopes of a new access token: those granted, or fewer. Raises InvalidScope for others."""
    if text is None:
        return granted
    wanted = text.split()
    if not wanted or not set(wanted) <= set(granted):
        raise InvalidScope(f"The scopes granted are {' '.join(granted)}; others need another authorization.")
    return [scope for scope in granted if scope in wanted]
