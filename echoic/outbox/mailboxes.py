"""E-mail addresses as their owners keep them: written in one form, confirmed by a link, ended by a link."""

import hashlib
import re
import secrets

from sqlalchemy.ext.asyncio import AsyncSession

from echoic.access import Caller
from echoic.db.accounts import accounts, guesses
from echoic.db.outbox import alerts, email_addresses, telling
from echoic.db.outbox.email_addresses import EmailAddress
from echoic.errors import (
    AudioUrlInvalid,
    EmailAddressConfirmed,
    EmailAddressInvalid,
    EmailAddressLimitReached,
    EmailAddressNotFound,
    MailLinkInvalid,
    RateLimited,
)
from echoic.intake.audio_url import normal_host
from echoic.outbox.mail_links import MailLinks, address_named_by

CONFIRM = "email.confirm"
MAX_ADDRESSES = 20
"""Of one account."""
MAX_LOCAL_CHARACTERS, MAX_CHARACTERS = 64, 254
"""RFC 5321, section 4.5.3.1, and RFC 3696's erratum 1690."""
CONFIRM_SECONDS = 86_400.0
"""So long the link in a mail confirms an address."""
SEED_BYTES = 16
LINKS_AT_ONCE, SECONDS_EACH = 3, 28_800.0
"""An address is sent three links, and one more each eight hours, whoever asks: nobody is flooded."""
ACCOUNT_LINKS_AT_ONCE, ACCOUNT_SECONDS_EACH = 20, 4320.0
"""An account has so many sent, and one more each 72 minutes."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")


def normal_address(text: str) -> str:
    """Return an address in the form in which it is kept: its domain in small letters and ASCII.

    Only addresses of atoms are taken (RFC 5322, section 3.2.3): none with quotes, blanks or anything that ends a line.
    Raises EmailAddressInvalid.
    """
    local, at, domain = text.strip(" ").rpartition("@")
    if not at or len(local) > MAX_LOCAL_CHARACTERS or not _LOCAL.fullmatch(local):
        raise EmailAddressInvalid("An e-mail address is needed, as name@example.org.")
    try:
        host = normal_host(domain)
    except AudioUrlInvalid as error:
        raise EmailAddressInvalid("The domain of the e-mail address cannot be read.") from error
    whole = f"{local}@{host}"
    if "." not in host or not host.rpartition(".")[2][:1].isalpha() or len(whole) > MAX_CHARACTERS:
        raise EmailAddressInvalid("The domain of the e-mail address cannot be read.")
    return whole


async def keep_address(session: AsyncSession, caller: Caller, text: str) -> EmailAddress:
    """Return an address of the caller; a new one is kept, and is sent a link to confirm it.

    Raises EmailAddressInvalid, EmailAddressLimitReached, RateLimited.
    """
    address = normal_address(text)
    await accounts.lock_account(session, caller.account_id)
    known = await email_addresses.find_text(session, account_id=caller.account_id, address=address)
    if known is not None:
        return known
    if await email_addresses.count(session, caller.account_id) >= MAX_ADDRESSES:
        raise EmailAddressLimitReached(f"An account has {MAX_ADDRESSES} e-mail addresses at most; delete one first.")
    row = await email_addresses.create(session, account_id=caller.account_id, address=address)
    await _send_link(session, row)
    return row


async def own_address(session: AsyncSession, caller: Caller, address_id: int) -> EmailAddress:
    """Return an address of the caller, locked. Raises EmailAddressNotFound."""
    row = await email_addresses.find(session, account_id=caller.account_id, address_id=address_id)
    if row is None:
        raise EmailAddressNotFound
    return row


async def send_link(session: AsyncSession, row: EmailAddress) -> None:
    """Send another link to confirm an address; the former one works no longer. Raises EmailAddressConfirmed, RateLimited."""
    if row.state == "confirmed":
        raise EmailAddressConfirmed
    await _send_link(session, row)


async def confirmable(session: AsyncSession, links: MailLinks, token: str) -> EmailAddress:
    """Return the address that a link confirms, locked. Raises MailLinkInvalid where it is wrong, ran out or was used."""
    address_id = address_named_by(token)
    row = None if address_id is None else await email_addresses.find_any(session, address_id)
    if row is None or row.confirm_seed is None or not await email_addresses.has_open_link(session, row):
        raise MailLinkInvalid
    if not secrets.compare_digest(links.confirm_token(row.id, row.confirm_seed), token):
        raise MailLinkInvalid
    return row


async def confirm(session: AsyncSession, links: MailLinks, token: str) -> EmailAddress:
    """Confirm an address by the link that was sent to it, once. Raises MailLinkInvalid."""
    row = await confirmable(session, links, token)
    if not await email_addresses.confirm(session, row, row.confirm_seed or b""):
        raise MailLinkInvalid
    return row


async def stoppable(session: AsyncSession, links: MailLinks, token: str) -> EmailAddress:
    """Return the address whose mail a link ends. Raises MailLinkInvalid."""
    stop = links.stopped_by(token)
    row = None if stop is None else await email_addresses.find_any(session, stop.address_id)
    if row is None:
        raise MailLinkInvalid
    return row


async def stop(session: AsyncSession, links: MailLinks, token: str, *, everything: bool) -> EmailAddress:
    """End the mail that a link names, or all mail to its address; again and again with the same result. Raises MailLinkInvalid."""
    row = await stoppable(session, links, token)
    named = links.stopped_by(token)
    if named is not None and named.alert_id and not everything:
        await alerts.stop_mail(session, named.alert_id, row.id)
    else:
        await email_addresses.end(session, row.id, "unsubscribed")
    return row


async def _send_link(session: AsyncSession, row: EmailAddress) -> None:
    for subject, at_once, seconds_each in (
        (f"mail to {row.address.lower()}", LINKS_AT_ONCE, SECONDS_EACH),
        (f"mail of {row.account_id}", ACCOUNT_LINKS_AT_ONCE, ACCOUNT_SECONDS_EACH),
    ):
        digest = hashlib.sha256(subject.encode()).hexdigest()
        wait = await guesses.count(session, subject=digest, at_once=at_once, seconds_each=seconds_each)
        if wait:
            raise RateLimited(
                "So many links were sent that another one has to wait.", retry_after_seconds=int(wait) + 1
            )
    seed = secrets.token_bytes(SEED_BYTES)
    body = telling.body_of(CONFIRM, {"address_id": row.id})
    await email_addresses.ask_to_confirm(session, row, kind=CONFIRM, body=body, seed=seed, seconds=CONFIRM_SECONDS)
