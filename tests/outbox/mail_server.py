"""A mail server on the loopback interface that wants STARTTLS and a password, answers by a script and keeps what it took."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

HOST = "localhost"
USER, PASSWORD = "echoic@example.org", "p@ss:word"
OK = "250 OK"


@dataclass
class MailServer:
    port: int = 0
    to_recipients: list[str] = field(default_factory=list)
    """Answers to RCPT in turn; when none is left, all are taken."""
    to_data: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    seen: list[EmailMessage] = field(default_factory=list)
    """Those that were refused, too."""
    recipients: list[list[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://echoic%40example.org:p%40ss%3Aword@{HOST}:{self.port}"

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        answer = self.to_recipients.pop(0) if self.to_recipients else OK
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.seen.append(mail)
        answer = self.to_data.pop(0) if self.to_data else OK
        if answer == OK:
            self.mails.append(mail)
            self.recipients.append(envelope.rcpt_tos)
        return answer


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@asynccontextmanager
async def taking_mail(authority: trustme.CA) -> AsyncIterator[MailServer]:
    """Run a mail server until the block ends."""
    server = MailServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    loop = asyncio.get_running_loop()

    def sign_in(_: Any, __: Any, ___: Any, mechanism: str, given: Any) -> AuthResult:
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    def connection() -> SMTP:
        opened.append(
            made := SMTP(
                server,
                hostname="mail.example",
                tls_context=context,
                require_starttls=True,
                authenticator=sign_in,
                auth_required=True,
                loop=loop,
            )
        )
        return made

    opened: list[SMTP] = []
    listening = await loop.create_server(connection, "127.0.0.1", 0)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
        for one in opened:
            if one.transport is not None:
                one.transport.close()
