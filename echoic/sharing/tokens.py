"""Tokens of share links, and the mark of a browser in which the password of a link was given. Pure.

Both are computed from a secret of the installation (RFC 2104, with SHA-256). So a link can be shown to its maker again,
although its row does not hold it.
"""

import base64
import hashlib
import hmac
import secrets

TOKEN_PREFIX = "es_"  # noqa: S105 - what tells such a token from others
SEED_BYTES = 16
UNLOCKED_SECONDS = 43_200
"""So long a browser that was given the password need not ask again."""


def new_seed() -> bytes:
    """Return random bytes to make a token of."""
    return secrets.token_bytes(SEED_BYTES)


def token_of(secret: bytes, seed: bytes) -> str:
    """Return the token of a link."""
    return TOKEN_PREFIX + _signed(secret, b"share:" + seed)


def unlocked_mark(secret: bytes, *, sha256: str, password_hash: str, now: float) -> str:
    """Return the mark of a browser that has given the password now; it ends when the password does."""
    until = int(now) + UNLOCKED_SECONDS
    return f"{until}.{_signed(secret, _claim(sha256, password_hash, until))}"


def is_unlocked(secret: bytes, mark: str, *, sha256: str, password_hash: str, now: float) -> bool:
    """Return whether a browser's mark is one of this link and still good."""
    until, _, signature = mark.partition(".")
    if not (until.isascii() and until.isdigit()) or len(until) > len(str(int(now))) + 1 or int(until) <= now:
        return False
    expected = _signed(secret, _claim(sha256, password_hash, int(until)))
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _claim(sha256: str, password_hash: str, until: int) -> bytes:
    return f"unlocked:{sha256}:{password_hash}:{until}".encode()


def _signed(secret: bytes, text: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret, text, hashlib.sha256)).rstrip(b"=").decode()
