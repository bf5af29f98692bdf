"""Signatures of messages by Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), and the secrets for them.

A secret has to be known here to be signed with, so it is not hashed but sealed: whoever reads the table of webhooks alone
reads no secret.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken

from echoic.db.connect import Database
from echoic.db.server_secrets import secret
from echoic.errors import SecretUnreadable

SECRET_PREFIX = "whsec_"  # noqa: S105 - what tells such a secret from others
SECRET_BYTES = 32
SEALING = "webhook secrets"
"""The name of the secret that seals the secrets of webhooks."""


def new_secret() -> str:
    """Return a secret as its receiver is shown it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def signature(shown_secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header ``webhook-signature``: HMAC-SHA256 with each secret, apart by spaces."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(shown.removeprefix(SECRET_PREFIX)) for shown in shown_secrets]
    made = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii") for key in keys]
    return " ".join(f"v1,{one}" for one in made)


class Sealer:
    """Seals the secrets of webhooks for the database, and opens them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fernet: Fernet | None = None

    async def make_ready(self) -> None:
        """Read the key, or make the first one of the installation."""
        await self._opened()

    async def seal(self, shown: str) -> bytes:
        """Return a secret as it is kept."""
        return (await self._opened()).encrypt(shown.encode())

    async def open(self, sealed: bytes) -> str:
        """Return a secret as its receiver knows it. Raises SecretUnreadable where it was sealed with another key."""
        try:
            return (await self._opened()).decrypt(sealed).decode()
        except InvalidToken as error:
            raise SecretUnreadable from error

    async def _opened(self) -> Fernet:
        if self._fernet is None:
            self._fernet = Fernet(base64.urlsafe_b64encode(await secret(self._database, SEALING)))
        return self._fernet
