"""One mail to the mail server of the operator, and the meaning of its answer. Knows no rows."""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from echoic.db.outbox.deliveries import Tried
from echoic.errors import SettingInvalid
from echoic.outbox.post import KEPT_CHARACTERS, Outcome

WHOLE_SECONDS = 20.0
"""Time for a mail, from the connection to the last answer."""
PORTS = {"smtps": 465, "smtp": 587}
PERMANENT = range(500, 600)
"""Codes by which a mail server says that trying again is of no use (RFC 5321, section 4.2.1)."""
WHAT_IT_IS = "smtps://user:password@host:465, or smtp://user:password@host:587"


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpServer:
    """A mail server, and how to sign in there."""

    host: str
    port: int
    tls: bool
    """Whether the connection is encrypted from its first byte on."""
    starttls: bool
    """Whether it is encrypted before anything is sent; where the server cannot, nothing is."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    own_name: str | None = None
    """The name by which this server greets."""
    ssl_context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    @classmethod
    def parse(cls, url: str, *, starttls: bool, own_name: str | None = None) -> Self:
        """Read the setting. Raises SettingInvalid, without repeating its value."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise SettingInvalid(f"ECHOIC_SMTP_URL cannot be read; it must be {WHAT_IT_IS}.") from error
        if parts.scheme not in PORTS or not parts.hostname:
            raise SettingInvalid(f"ECHOIC_SMTP_URL must be {WHAT_IT_IS}.")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise SettingInvalid(f"ECHOIC_SMTP_URL has something behind the host and port; it must be {WHAT_IT_IS}.")
        if (parts.username is None) != (parts.password is None):
            raise SettingInvalid("ECHOIC_SMTP_URL must have both a user and a password, or neither.")
        tls = parts.scheme == "smtps"
        if parts.password is not None and not tls and not starttls:
            raise SettingInvalid(
                "ECHOIC_SMTP_URL has a password, which would be sent unencrypted with ECHOIC_SMTP_STARTTLS=never."
            )
        return cls(
            host=parts.hostname,
            port=port or PORTS[parts.scheme],
            tls=tls,
            starttls=starttls and not tls,
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            own_name=own_name,
        )

    async def send(self, message: EmailMessage, *, sender: str, recipient: str) -> Outcome:
        """Hand a mail to the server. Raises nothing for whatever it answers.

        The outcome is final where the server refuses the recipient or the mail for good. A refusal of the sender or of the
        password is no fault of the recipient: it is mended by the operator.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                code, told = await self._hand_over(message, sender, recipient)
        except (SMTPException, OSError) as error:  # TimeoutError is one of these
            return _failed(error, time.monotonic() - started)
        return Outcome(tried=Tried(seconds=time.monotonic() - started, status=code, response=_kept(told)))

    async def fault(self) -> str | None:
        """Connect and sign in, and send nothing; returns the code of what went wrong."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS), self._client():
                return None
        except (SMTPException, OSError) as error:
            return _failed(error, 0.0).tried.error

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls,
            start_tls=self.starttls,
            username=self.user,
            password=self.password,
            local_hostname=self.own_name,
            tls_context=self.ssl_context if self.tls or self.starttls else None,
            timeout=WHOLE_SECONDS,
        )

    async def _hand_over(self, message: EmailMessage, sender: str, recipient: str) -> tuple[int, str]:
        async with self._client() as client:
            _, told = await client.sendmail(sender, [recipient], message.as_bytes())
        return 250, told


def _failed(error: SMTPException | OSError, seconds: float) -> Outcome:
    code, told = None, ""
    refused = error.recipients[0] if isinstance(error, SMTPRecipientsRefused) else error
    if isinstance(refused, SMTPResponseException):
        code, told = refused.code, refused.message
    final = isinstance(error, SMTPRecipientsRefused | SMTPDataError) and code in PERMANENT
    name = "mail_refused" if final else _name(error)
    return Outcome(tried=Tried(seconds=seconds, status=code, error=name, response=_kept(told)), is_final=final)


def _name(error: SMTPException | OSError) -> str:
    """Return the code of what went wrong, other than a refusal for good."""
    if isinstance(error, TimeoutError):
        return "mail_server_timed_out"
    if isinstance(error, SMTPAuthenticationError):
        return "mail_server_refused_sign_in"
    if isinstance(error, SMTPResponseException | SMTPRecipientsRefused):
        return "mail_deferred"
    if any(isinstance(one, ssl.SSLError) for one in (error, error.__cause__)) or "STARTTLS" in str(error):
        return "mail_server_tls_failed"
    return "mail_server_unreachable" if isinstance(error, OSError) else "mail_server_answer_unusable"


def _kept(told: str) -> str:
    return told.replace("\0", "\ufffd")[:KEPT_CHARACTERS]
