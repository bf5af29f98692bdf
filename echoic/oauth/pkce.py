"""The proof that who redeems a code is who asked for it: PKCE with S256 (RFC 7636). Pure."""

import base64
import hashlib
import hmac
import re

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Return whether a text can be a challenge: a SHA-256 in base64url, without padding."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, *, challenge: str) -> bool:
    """Return whether the challenge was made from the verifier."""
    if _VERIFIER.fullmatch(verifier) is None:
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    return hmac.compare_digest(made.decode("ascii"), challenge)
