"""Grants: a client that an account has connected, what it may do, and for which resource. All its tokens end with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from echoic.db.accounts.accounts import lock_account
from echoic.db.base import Base, CreatedAt, PrimaryKey, in_seconds

IDLE_SECONDS = 30 * 86_400.0
"""A grant ends whose tokens were not renewed for so long."""
LONGEST_SECONDS = 365 * 86_400.0
"""A grant ends so long after it was given, however much it is used."""
MAX_GRANTS = 100
"""Of one account; beyond, those end that were not used for longest."""


class Grant(Base):
    """The word of an account that a client may act for it."""

    __tablename__ = "oauth_grants"

    id: Mapped[PrimaryKey]
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"), index=True)
    redirect_uri: Mapped[str]
    """Where the browser was sent back to, by which people tell apart programs of one name."""
    scopes: Mapped[list[str]]
    resource: Mapped[str]
    issuer: Mapped[str | None]
    """The provider, or the proxy, at which the person had signed in; None: by a password or a link."""
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


WORKS = Grant.expires_at > func.now()


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreed:
    """The terms that somebody agreed to."""

    account_id: int
    client_id: int
    redirect_uri: str
    scopes: Sequence[str]
    resource: str
    issuer: str | None


async def create(session: AsyncSession, agreed: Agreed, *, seconds: float) -> Grant:
    """Keep a grant that lasts so long where its tokens are not renewed; where the account has too many, those end that were not used for longest."""
    await lock_account(session, agreed.account_id)
    row = Grant(
        account_id=agreed.account_id,
        client_id=agreed.client_id,
        redirect_uri=agreed.redirect_uri,
        scopes=list(agreed.scopes),
        resource=agreed.resource,
        issuer=agreed.issuer,
        expires_at=in_seconds(seconds),
    )
    session.add(row)
    await session.flush()
    of_account = Grant.account_id == agreed.account_id
    newest = select(Grant.id).where(of_account, WORKS).order_by(Grant.last_used_at.desc(), Grant.id.desc())
    await session.execute(delete(Grant).where(of_account, Grant.id.not_in(newest.limit(MAX_GRANTS))))
    return row


async def prolong(session: AsyncSession, grant: Grant) -> None:
    """Let a grant that is used go on."""
    longest = Grant.created_at + func.make_interval(0, 0, 0, 0, 0, 0, LONGEST_SECONDS)
    renewed = update(Grant).where(Grant.id == grant.id)
    await session.execute(
        renewed.values(last_used_at=func.now(), expires_at=func.least(in_seconds(IDLE_SECONDS), longest))
    )


async def touch(session: AsyncSession, grant_id: int) -> None:
    """Note that a token of a grant was used now; at most one write a minute, since most requests only read."""
    used = update(Grant).where(Grant.id == grant_id, Grant.last_used_at < in_seconds(-60.0))
    await session.execute(used.values(last_used_at=func.now()))


async def end(session: AsyncSession, grant_id: int) -> None:
    """End a grant with its codes and tokens."""
    await session.execute(delete(Grant).where(Grant.id == grant_id))


async def end_of_account(session: AsyncSession, *, account_id: int, grant_id: int) -> bool:
    """End a grant of an account; False where it has no such grant."""
    ended = delete(Grant).where(Grant.id == grant_id, Grant.account_id == account_id, WORKS).returning(Grant.id)
    return await session.scalar(ended) is not None


async def end_all(session: AsyncSession, *, account_id: int) -> None:
    """End all grants of an account."""
    await session.execute(delete(Grant).where(Grant.account_id == account_id))


async def end_of_issuer(session: AsyncSession, *, account_id: int, issuer: str) -> None:
    """End the grants of an account that somebody gave who had signed in at a provider."""
    await session.execute(delete(Grant).where(Grant.account_id == account_id, Grant.issuer == issuer))


async def forget_expired(session: AsyncSession) -> None:
    """Remove the grants that have run out."""
    await session.execute(delete(Grant).where(Grant.expires_at < func.now()))
