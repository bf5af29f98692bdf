"""Identities of accounts elsewhere: at an OpenID Connect provider, or at the reverse proxy before the server."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, bindparam, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import IS_OPEN, Account
from echoic.db.base import Base, CreatedAt
from echoic.db.connect import Database
from echoic.db.reads import Query


class Identity(Base):
    """A person as somebody else knows them. Whoever knows them never gives the same subject to another person."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    """The address of an OpenID Connect provider, or a word for the proxy."""
    subject: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True, slots=True)
class FoundIdentity:
    """An account that is open, by who it is elsewhere."""

    account_id: int
    plan: str
    is_admin: bool


# Made once: every request through a proxy that names people asks it.
_FIND_OPEN = Query(
    select(Identity.account_id, Account.plan, Account.is_admin)
    .join(Account, Account.id == Identity.account_id)
    .where(Identity.issuer == bindparam("issuer"), Identity.subject == bindparam("subject"), IS_OPEN)
)


async def find_open(database: Database, *, issuer: str, subject: str) -> FoundIdentity | None:
    """Return the account of an identity, where there is one and it is not locked."""
    for row in await database.read(_FIND_OPEN, issuer=issuer, subject=subject):
        return FoundIdentity(*row)
    return None


async def hold(session: AsyncSession, *, issuer: str, subject: str) -> int | None:
    """Return the account of an identity, if any; nobody else gives it one until the transaction ends."""
    key = f"{len(issuer)} {issuer} {subject}"
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})
    query = select(Identity.account_id).where(Identity.issuer == issuer, Identity.subject == subject)
    account_id: int | None = await session.scalar(query)
    return account_id


async def add(session: AsyncSession, *, issuer: str, subject: str, account_id: int) -> None:
    """Keep which account an identity has; ``hold`` has said that it has none."""
    session.add(Identity(issuer=issuer, subject=subject, account_id=account_id))
    await session.flush()


async def list_of(session: AsyncSession, account_id: int) -> list[Identity]:
    """Return the identities of an account, the oldest first."""
    wanted = select(Identity).where(Identity.account_id == account_id)
    return list(await session.scalars(wanted.order_by(Identity.created_at, Identity.issuer, Identity.subject)))


async def remove(session: AsyncSession, *, account_id: int, issuer: str, subject: str) -> bool:
    """Let an identity have an account no longer; False where the account has no such identity."""
    await hold(session, issuer=issuer, subject=subject)
    gone = delete(Identity).where(
        Identity.account_id == account_id, Identity.issuer == issuer, Identity.subject == subject
    )
    return await session.scalar(gone.returning(Identity.account_id)) is not None


async def touch(session: AsyncSession, *, issuer: str, subject: str) -> None:
    """Note that somebody signed in by an identity now."""
    used = update(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    await session.execute(used.values(last_used_at=func.now()))
