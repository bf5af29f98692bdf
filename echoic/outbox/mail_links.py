"""Links in mails: one confirms an address, one ends mail. Each is signed, so that nobody makes one of their own. Pure."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

CONFIRM_PATH = "/mail/confirm"
STOP_PATH = "/mail/stop"

_TOKEN = re.compile(r"([1-9][0-9]{0,17})\.([0-9]{1,18})\.([A-Za-z0-9_-]{43})")
"""The ids of an address and of an alert, and the signature: 32 bytes in Base64."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The mail that a link ends: that of one alert, or with 0 as its id all mail to an address."""

    address_id: int
    alert_id: int


@dataclass(frozen=True, slots=True)
class MailLinks:
    """Makes links below an address of the server, and reads them."""

    secret: bytes
    base: str

    def confirm(self, address_id: int, seed: bytes) -> str:
        """Return the link that confirms an address."""
        return f"{self.base}{CONFIRM_PATH}/{self.confirm_token(address_id, seed)}"

    def stop(self, address_id: int, alert_id: int = 0) -> str:
        """Return the link that ends mail."""
        signed = self._signed(f"stop:{address_id}:{alert_id}".encode())
        return f"{self.base}{STOP_PATH}/{address_id}.{alert_id}.{signed}"

    def confirm_token(self, address_id: int, seed: bytes) -> str:
        """Return the end of the link that confirms an address."""
        return f"{address_id}.0.{self._signed(b'confirm:%d:' % address_id + seed)}"

    def stopped_by(self, token: str) -> Stop | None:
        """Return what a link ends; None where it is none of ours."""
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        found = Stop(int(parts[1]), int(parts[2]))
        right = self.stop(found.address_id, found.alert_id).rpartition("/")[2]
        return found if hmac.compare_digest(right.encode(), token.encode()) else None

    def _signed(self, text: bytes) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self.secret, text, hashlib.sha256)).rstrip(b"=").decode()


def address_named_by(token: str) -> int | None:
    """Return the id of the address that a link to confirm names, before it is known whether the link is right."""
    parts = _TOKEN.fullmatch(token)
    return None if parts is None else int(parts[1])
