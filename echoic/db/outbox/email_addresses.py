"""E-mail addresses of accounts. Nothing but the link to confirm it is sent to an address that is not confirmed."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds
from echoic.db.outbox.deliveries import NEW_ID, Delivery

EmailState = Literal["unconfirmed", "confirmed", "unsubscribed", "refused", "failed"]
"""``unsubscribed``: its owner wants no mail; ``refused``: a mail server refused it for good; ``failed``: a mail was not taken in
any of its attempts."""


class EmailAddress(Base):
    """An address that an account wants mail to be sent to."""

    __tablename__ = "email_addresses"
    __table_args__ = (
        CheckConstraint("state IN ('unconfirmed', 'confirmed', 'unsubscribed', 'refused', 'failed')", name="state"),
        UniqueConstraint("account_id", "address"),
    )

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    address: Mapped[str]
    state: Mapped[EmailState] = mapped_column(Text, server_default="unconfirmed")
    state_since: Mapped[CreatedAt]
    reason: Mapped[str | None]
    """The words of the mail server where it refused the address."""
    confirm_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The link to confirm the address is computed from these random bytes; None: there is no such link."""
    confirm_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


async def create(session: AsyncSession, *, account_id: int, address: str) -> EmailAddress:
    """Keep an address, which is not confirmed yet."""
    row = EmailAddress(account_id=account_id, address=address)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def find(session: AsyncSession, *, account_id: int, address_id: int) -> EmailAddress | None:
    """Return an address of an account, locked; None where it has no such one."""
    wanted = select(EmailAddress).where(EmailAddress.id == address_id, EmailAddress.account_id == account_id)
    return await session.scalar(wanted.with_for_update(key_share=True))


async def find_any(session: AsyncSession, address_id: int) -> EmailAddress | None:
    """Return an address by its id, locked; whoever asks has proved by a link that they got mail there."""
    wanted = select(EmailAddress).join(Account, Account.id == EmailAddress.account_id)
    wanted = wanted.where(EmailAddress.id == address_id, IS_OPEN)
    return await session.scalar(wanted.with_for_update(of=EmailAddress, key_share=True))


async def find_text(session: AsyncSession, *, account_id: int, address: str) -> EmailAddress | None:
    """Return the address of an account that is written so."""
    wanted = select(EmailAddress).where(EmailAddress.address == address, EmailAddress.account_id == account_id)
    return await session.scalar(wanted.with_for_update(key_share=True))


async def list_own(session: AsyncSession, account_id: int) -> list[EmailAddress]:
    """Return an account's addresses, the oldest first."""
    wanted = select(EmailAddress).where(EmailAddress.account_id == account_id).order_by(EmailAddress.id)
    return list(await session.scalars(wanted))


async def count(session: AsyncSession, account_id: int) -> int:
    """Return how many addresses an account has."""
    return await session.scalar(select(func.count()).where(EmailAddress.account_id == account_id)) or 0


async def first_confirmed(session: AsyncSession, account_id: int) -> EmailAddress | None:
    """Return the oldest address of an account that is confirmed, for messages about the account itself."""
    wanted = select(EmailAddress).where(EmailAddress.account_id == account_id, EmailAddress.state == "confirmed")
    return await session.scalar(wanted.order_by(EmailAddress.id).limit(1))


async def ask_to_confirm(
    session: AsyncSession, row: EmailAddress, *, kind: str, body: str, seed: bytes, seconds: float
) -> None:
    """Make the link that confirms an address another one, and put the mail with it into the outbox."""
    row.confirm_seed, row.confirm_until = seed, in_seconds(seconds)
    session.add(_mail(row, kind=kind, body=body))
    await session.flush()
    await session.refresh(row)


async def confirm(session: AsyncSession, row: EmailAddress, seed: bytes) -> bool:
    """Confirm an address by the link that was made of a seed, once; False where it ran out or was used."""
    confirmed = await session.scalar(
        update(EmailAddress)
        .where(EmailAddress.id == row.id, EmailAddress.confirm_seed == seed, EmailAddress.confirm_until > func.now())
        .values(state="confirmed", state_since=func.now(), reason=None, confirm_seed=None, confirm_until=None)
        .returning(EmailAddress.id)
    )
    await session.refresh(row)
    return confirmed is not None


async def has_open_link(session: AsyncSession, row: EmailAddress) -> bool:
    """Return whether the link that was sent last still confirms the address."""
    return (
        await session.scalar(select(EmailAddress.confirm_until > func.now()).where(EmailAddress.id == row.id)) is True
    )


async def end(session: AsyncSession, address_id: int, state: EmailState, *, reason: str | None = None) -> None:
    """Send nothing to an address any more, what waits included. A link that confirms it works no longer."""
    await session.execute(
        update(EmailAddress)
        .where(EmailAddress.id == address_id)
        .values(state=state, state_since=func.now(), reason=reason, confirm_seed=None, confirm_until=None)
    )
    await session.execute(
        update(Delivery)
        .where(Delivery.address_id == address_id, Delivery.state == "waiting", Delivery.lease.is_(None))
        .values(state="withheld", ended_at=func.now())
    )


async def delete(session: AsyncSession, row: EmailAddress) -> None:
    """Forget an address with the mails to it."""
    await session.delete(row)
    await session.flush()


async def add_mail(session: AsyncSession, row: EmailAddress, *, kind: str, body: str) -> None:
    """Put a mail to an address into the outbox."""
    session.add(_mail(row, kind=kind, body=body))
    await session.flush()


def _mail(row: EmailAddress, *, kind: str, body: str) -> Delivery:
    return Delivery(id=NEW_ID, account_id=row.account_id, address_id=row.id, type=kind, body=body)
