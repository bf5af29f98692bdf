"""Sends mails of the outbox: each is written when it is sent, of what its account may read then."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from echoic.db.connect import Database
from echoic.db.outbox import email_addresses
from echoic.db.outbox.deliveries import Claimed
from echoic.db.outbox.email_addresses import EmailAddress
from echoic.db.server_secrets import secret
from echoic.errors import EmailAddressInvalid, SettingInvalid
from echoic.outbox.letters import Envelope, Letter, Line, message_of
from echoic.outbox.mail_links import MailLinks
from echoic.outbox.mailboxes import CONFIRM, normal_address
from echoic.outbox.post import Outcome
from echoic.outbox.smtp import SmtpServer
from echoic.settings import Settings

SIGNING = "mail links"
"""The name of the secret that signs the links in mails."""
WEBHOOK_DISABLED = "webhook.disabled"
WHY_DISABLED = {"failed": "no attempt of ten to deliver a message succeeded", "gone": "it answered 410 (Gone)"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail to be written."""

    claimed: Claimed
    data: Mapping[str, Any]
    """Of the message in the outbox."""
    address: EmailAddress
    links: MailLinks

    @property
    def base(self) -> str:
        """Return the address of the server."""
        return self.links.base


Writer: TypeAlias = Callable[[Mail], Awaitable[Letter | None]]
"""Writes mails of one type; None where there is nothing to tell any more."""


class Mailing:
    """The mail server, the sender, and the writers by types of messages."""

    def __init__(
        self, database: Database, server: SmtpServer, *, sender: Address, base: str, writers: Mapping[str, Writer]
    ) -> None:
        self._database = database
        self.server = server
        self._sender = sender
        self._base = base
        self._writers: Mapping[str, Writer] = {
            CONFIRM: _confirmation,
            WEBHOOK_DISABLED: _webhook_disabled,
            **writers,
        }
        self._links: MailLinks | None = None

    @classmethod
    def of(cls, settings: Settings, database: Database, writers: Mapping[str, Writer]) -> "Mailing | None":
        """Open the way mails are sent by; None where the settings name no mail server. Raises SettingInvalid."""
        if settings.smtp_url is None:
            return None
        if settings.public_url is None:
            raise SettingInvalid("ECHOIC_SMTP_URL is set: set ECHOIC_PUBLIC_URL as well, for the links in mails.")
        base = settings.public_url.rstrip("/")
        server = SmtpServer.parse(
            settings.smtp_url.get_secret_value(),
            starttls=settings.smtp_starttls == "required",
            own_name=urlsplit(base).hostname,
        )
        return cls(database, server, sender=sender_of(settings.mail_from), base=base, writers=writers)

    async def links(self) -> MailLinks:
        """Return the maker and reader of links."""
        if self._links is None:
            self._links = MailLinks(await secret(self._database, SIGNING), self._base)
        return self._links

    async def send(self, claimed: Claimed) -> Outcome | None:
        """Write a mail and send it; None where it may not be sent any more, or tells nothing."""
        async with self._database.transaction() as session:
            address = await email_addresses.find_any(session, claimed.address_id or 0)
        if address is None or (address.state != "confirmed" and claimed.type != CONFIRM):
            return None
        links = await self.links()
        mail = Mail(claimed=claimed, data=json.loads(claimed.body)["data"], address=address, links=links)
        letter = await self._writers[claimed.type](mail)
        if letter is None:
            return None
        envelope = Envelope(
            sender=self._sender,
            recipient=address.address,
            message_id=claimed.id,
            stop_url=links.stop(address.id, claimed.alert_id or 0),
        )
        message = message_of(letter, envelope)
        return await self.server.send(message, sender=self._sender.addr_spec, recipient=address.address)


def sender_of(text: str | None) -> Address:
    """Read the setting. Raises SettingInvalid."""
    name, address = parseaddr(text if text is not None and text.isprintable() else "")
    try:
        return Address(display_name=name, addr_spec=normal_address(address))
    except EmailAddressInvalid as error:
        raise SettingInvalid(
            "ECHOIC_MAIL_FROM must be the sender of mails, as 'Echoic <echoic@example.org>', where ECHOIC_SMTP_URL is set."
        ) from error


async def _confirmation(mail: Mail) -> Letter | None:
    seed = mail.address.confirm_seed
    if seed is None:
        return None
    return Letter(
        subject="Confirm your e-mail address",
        lines=(
            Line(text="Somebody who uses Echoic wants alerts to be sent to this address.", kind="heading"),
            Line(text="If that is you, confirm it by this link within a day:"),
            Line(text="Confirm this address", url=mail.links.confirm(mail.address.id, seed)),
            Line(text="If it is not, do nothing: nothing else will be sent.", kind="small"),
        ),
    )


async def _webhook_disabled(mail: Mail) -> Letter:
    data = mail.data
    why = WHY_DISABLED[data["reason"]]
    answer = f" The last answer had the status {data['status']}." if data["status"] is not None else ""
    return Letter(
        subject="A webhook was disabled",
        lines=(
            Line(text="Nothing is sent to a webhook of yours any more", kind="heading"),
            Line(text=f"The webhook {data['webhook_id']} at {data['host']} was disabled, for {why}.{answer}"),
            Line(
                text=f"What waits for it is kept, and is sent once you enable it by PATCH /api/webhooks/{data['webhook_id']}."
            ),
            Line(text="How webhooks are looked after", url=f"{mail.base}/docs"),
        ),
    )
