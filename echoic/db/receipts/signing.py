"""Signatures of receipts by Ed25519 (RFC 8032): over the bytes of a text, which is kept as it was signed.

The private key is 32 random bytes among the secrets of the installation. It knows nothing of what a receipt says.
"""

import base64
import binascii
import hashlib
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM: Literal["Ed25519"] = "Ed25519"
KEY_ID_DIGITS = 16


class SigningKey:
    """The key of an installation; ``secret`` has 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public_key = (
            self._private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode("ascii")
        )
        """As PEM, which openssl reads."""

    def sign(self, text: str) -> str:
        """Return the signature of a text's UTF-8 bytes, in Base64."""
        return base64.b64encode(self._private.sign(text.encode())).decode("ascii")


def key_id(public_key: str) -> str:
    """Return a short name of a key given as PEM: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:KEY_ID_DIGITS]


def is_signed(text: str, signature: str, public_key: str) -> bool:
    """Return whether a signature in Base64 is that of the text by the key, which is given as PEM; also False for no key."""
    try:
        key = serialization.load_pem_public_key(public_key.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
